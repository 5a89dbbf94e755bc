"""Trains the model of mail triage and packs it: `andon models register --from-script train.py --alias champion`.

It learns from filed mails, and from `labelled.parquet` if that is there: what the line decided and people labelled
(`andon features dataset --automation mail-triage --labels --output labelled.parquet`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from andon.datafile import read_rows
from andon.models import FeatureKind, FeatureSpec, fit_text, pack

from automation import triage
from history import filed

HERE = Path(__file__).parent
LABELLED = HERE / "labelled.parquet"
FILED = 2_400
HELD_OUT = 0.4
"""The share of the newest rows that the model is measured on."""

FEATURES = (
    FeatureSpec("subject", FeatureKind.TEXT),
    FeatureSpec("text", FeatureKind.TEXT),
    FeatureSpec("attachments", FeatureKind.NUMBER),
    FeatureSpec("answers", FeatureKind.BOOLEAN),
)


def main() -> None:
    """Train on the oldest rows of both, hold the newest of both out."""
    parts = [list(filed(FILED)), list(labelled())]
    cuts = [round(len(part) * (1 - HELD_OUT)) for part in parts]
    learnt = [row for part, cut in zip(parts, cuts, strict=True) for row in part[:cut]]
    newest = [row for part, cut in zip(parts, cuts, strict=True) for row in part[cut:]]
    classes = sorted({team for _, team in learnt})
    training, held_out = _columns(learnt), _columns([one for one in newest if one[1] in classes])
    pack(
        HERE / "package",
        name=triage.model,
        model=fit_text(FEATURES, *training, classes, light=True),
        features=FEATURES,
        classes=classes,
        training=training,
        held_out=held_out,
        split="by time: of filed and of labelled mails the oldest three fifths train, the newest are held out",
        description="The team that a mail is for",
    )


def labelled() -> Iterator[tuple[dict[str, Any], str]]:
    """Return the labelled decisions of the line itself, oldest first."""
    if LABELLED.exists():
        for row in read_rows(LABELLED):
            if row["label"] is not None:
                yield row, str(row["label"])


def _columns(rows: list[tuple[dict[str, Any], str]]) -> tuple[dict[str, list[Any]], list[str]]:
    return {one.name: [row[one.name] for row, _ in rows] for one in FEATURES}, [team for _, team in rows]


if __name__ == "__main__":
    main()
