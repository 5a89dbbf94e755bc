"""Trains the model of mail triage and packs it: `andon models register --from-script train.py --alias champion`.

It learns from filed mails, and from `labelled.parquet` if it exists: decisions of the line that people labelled
(`andon features dataset --automation mail-triage --labels --output labelled.parquet`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from andon.datafile import read_rows
from andon.models import FeatureKind, FeatureSpec, fit_text, pack

from automation import triage
from history import filed
from signals import orders_a_machine

Row = tuple[dict[str, Any], str]
"""A mail as the model sees it, and its team."""

HERE = Path(__file__).parent
LABELLED = HERE / "labelled.parquet"
FILED = 2_400
HELD_OUT = 0.4
"""The share of the newest mails to measure on: of the labelled ones, or of the filed ones if none are labelled."""

FEATURES = (
    FeatureSpec("subject", FeatureKind.TEXT),
    FeatureSpec("text", FeatureKind.TEXT),
    FeatureSpec("attachments", FeatureKind.NUMBER),
    FeatureSpec("answers", FeatureKind.BOOLEAN),
)


def main() -> None:
    """Train on all mails but the newest, measure on these, and pack the model with the results."""
    learnt, newest = parted(list(filed(FILED)), list(labelled()))
    classes = sorted({team for _, team in learnt})
    training, held_out = columns_of(learnt), columns_of(newest)
    pack(
        HERE / "package",
        name=triage.model,
        model=fit_text(FEATURES, *training, classes, light=True),
        features=FEATURES,
        classes=classes,
        training=training,
        held_out=held_out,
        untrained=sorted({team for _, team in newest} - set(classes)),
        split="by time: the newest two fifths of the labelled mails are held out; without labels, of the filed ones",
        description="The team that a mail is for",
    )


def parted(filed: list[Row], labelled: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return the mails to learn from and those to measure on, which must resemble incoming mails.

    Once the line has labels of its own, filed mails no longer do: none is about a new product.
    """
    older, recent = (filed, labelled) if labelled else ([], filed)
    cut = round(len(recent) * (1 - HELD_OUT))
    return [*older, *recent[:cut]], recent[cut:]


def labelled() -> Iterator[Row]:
    """Return the labelled decisions of the line, oldest first, without those that the policy shows to a person."""
    if LABELLED.exists():
        for row in read_rows(LABELLED):
            if row["label"] is not None and not orders_a_machine(row):
                yield row, str(row["label"])


def columns_of(rows: list[Row]) -> tuple[dict[str, list[Any]], list[str]]:
    """Return the model's features of these mails, by name, and the teams."""
    return {one.name: [row[one.name] for row, _ in rows] for one in FEATURES}, [team for _, team in rows]


if __name__ == "__main__":
    main()
