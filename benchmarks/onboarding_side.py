"""The steps of one data set of `onboarding` that need a separate process: `write` makes its files, `decide` decides.

Both print one JSON line. Deciding is that of the project's own line, in memory, on rows that the project never saw.
"""

import json
import sys
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter_ns
from typing import Any
from uuid import uuid4

import numpy as np

from andon.authoring import Automation
from andon.datafile import Query, Source, read_rows
from andon.decisions import Decision, DecisionRequest, assemble, load_file
from andon.kernel.errors import Invalid
from andon.models import encode_labels, manifest
from andon.models.manifest import RiskEvidence
from andon.testing import decide as decide_in_order
from andon.testing import endpoint_of
from benchmarks.onboarding_sets import SETS, DataSet

_AT_ONCE = 512
_HALF = 0.5


def main() -> None:
    """Run one of the two steps and print its result."""
    action, name, folder = sys.argv[1:]
    work = {"write": write, "decide": decide}[action]
    print(json.dumps(work(SETS[name], Path(folder))))


def write(data: DataSet, folder: Path) -> dict[str, Any]:
    """Write the file of a data set and the held-out rows, and return the arguments of `andon init` for the file."""
    table = data.make(np.random.default_rng(zlib.crc32(data.name.encode())))
    for stem, held_out in (("file", False), ("held_out", True)):
        source = data.write(folder / stem, table.names, list(table.rows(held_out=held_out)))
        (folder / f"{stem}.source").write_text(source.sql if isinstance(source, Query) else str(source))
    source = _source(folder, "file")
    words = (
        ("--query", source.sql, "--url-env", source.url_env) if isinstance(source, Query) else ("--from", str(source))
    )
    return {"words": [*words, "--target", data.target, *data.options]}


def decide(data: DataSet, folder: Path) -> dict[str, Any]:
    """Decide the held-out rows, and count the wrong automatic decisions."""
    project = folder / "project"
    sys.path.insert(0, str(project))
    (automation,) = load_file(project / "automation.py")
    import train

    rows, labels = list[dict[str, Any]](), list[Any]()
    for row in read_rows(_source(folder, "held_out")):
        labels.append(row.pop(data.target))
        rows.append({name: value for name, value in row.items() if name not in data.later})
    packed = manifest.parse((project / "package" / "manifest.json").read_text(), source="manifest.json")
    truth = [train.CLASSES[at] for at in encode_labels(train.CLASSES, [_labelled(train, one) for one in labels])]
    fields = {feature.name for feature in packed.signature.features}
    decisions, refused, example = _decided(automation, train, project / "package", rows)
    automatic = [(one, true) for one, true in zip(decisions, truth, strict=True) if _is_automatic(one)]
    classes: Mapping[str, str | None] = automation.truth.outcomes if automation.truth is not None else {}
    risk = automation.risk
    assert risk is not None
    return {
        "rows": len(rows),
        "refused": refused,
        "example": example,
        "failed": sum(one is not None and one.judgement.ruling.error is not None for one in decisions),
        "learnt": sorted(fields.intersection(data.left_out)),
        "automatic": len(automatic),
        "errors": sum(one is not None and classes[one.judgement.ruling.outcome] != true for one, true in automatic),
        "target": risk.target,
        "confidence": risk.confidence,
        "evidence": _regions(packed.risk),
    }


def _decided(
    automation: Automation, train: Any, package: Path, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[Decision | None], int, str | None]:
    """Decide each row; None for one that the contract refuses. Also return their number and an example."""
    if any(type(feature).__name__ == "Window" for feature in automation.features):
        at = [getattr(automation.contract.model_validate(row), train.TIME) for row in rows]
        return list(decide_in_order(automation, rows, model=package, at=at)), 0, None
    line = assemble(automation, endpoint_of(package), number=1)
    now, example = datetime.now(UTC), None
    requests, decided = dict[int, DecisionRequest](), list[Decision | None]([None] * len(rows))
    for number, row in enumerate(rows):
        raw = json.dumps(row).encode()
        try:
            values = line.contract.read(raw)
        except Invalid as error:
            example = example or f"{error} {getattr(error, 'faults', '')}"
            continue
        requests[number] = DecisionRequest(uuid4(), automation.name, raw, values, "bench", "c", now, perf_counter_ns())
    numbers = list(requests)
    for first in range(0, len(numbers), _AT_ONCE):
        batch = numbers[first : first + _AT_ONCE]
        decisions, _ = line.decide([requests[number] for number in batch], {}, now=now)
        for number, decision in zip(batch, decisions, strict=True):
            decided[number] = decision
    return decided, len(rows) - len(numbers), example


def _is_automatic(decision: Decision | None) -> bool:
    return decision is not None and decision.judgement.ruling.outcome != "review"


def _labelled(train: Any, value: Any) -> Any:
    """Return the class of a target as the project itself reads it."""
    if hasattr(train, "class_of"):
        return train.class_of(value)
    return value.lower() if isinstance(value, str) and value not in train.CLASSES else value


def _regions(evidence: RiskEvidence) -> list[tuple[int, int]]:
    """Return rows and errors of the evidence in two regions fixed beforehand: the most certain half, and the whole."""
    table = evidence.table
    half = next((row for row in table if row.planned >= _HALF * table[-1].planned), table[-1])
    return [(row.rows, row.errors) for row in (half, table[-1])]


def _source(folder: Path, stem: str) -> Source:
    from benchmarks.onboarding_formats import URL_VARIABLE

    text = (folder / f"{stem}.source").read_text()
    return Query(text, URL_VARIABLE) if text.startswith("SELECT ") else Path(text)


if __name__ == "__main__":
    main()
