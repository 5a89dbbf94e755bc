"""Replay: recorded decisions decided again from what was seen then, and compared. Writes nothing.

With `verify` in mind: the same versions on the same features must give the same outcome, rule and score, to the last bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from andon.authoring import BY_REVIEW, BY_RULES
from andon.decisions.domain import DecisionRecord, Fallback, Judgement
from andon.decisions.errors import InputInvalid, InputMalformed
from andon.decisions.line import Line, Seen

BATCH = 256


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that came out otherwise, or could not be decided again (`after` is then the reason)."""

    id: UUID
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay went."""

    compared: int
    identical: int
    differences: tuple[Difference, ...]


def replay(
    records: Sequence[DecisionRecord], line_of: Callable[[DecisionRecord], Line], progress: Callable[[int], None]
) -> Replayed:
    """Decide records again, each by the line that `line_of` gives for it, and compare outcome, rule and score."""
    identical, differences = 0, list[Difference]()
    for batch in _by_line(records, line_of):
        for record, judgement in _again(*batch):
            before, after = _told(record), judgement if isinstance(judgement, str) else _judged(judgement)
            if before == after:
                identical += 1
            else:
                differences.append(Difference(record.row.id, before, after))
        progress(len(batch[1]))
    return Replayed(len(records), identical, tuple(differences))


def _by_line(
    records: Sequence[DecisionRecord], line_of: Callable[[DecisionRecord], Line]
) -> Iterator[tuple[Line, list[DecisionRecord]]]:
    """Batches of neighbours that the same line decided."""
    batch: list[DecisionRecord] = []
    line: Line | None = None
    for record in records:
        own = line_of(record)
        if line is not None and (own is not line or len(batch) == BATCH):
            yield line, batch
            batch = []
        line = own
        batch.append(record)
    if line is not None:
        yield line, batch


def _again(line: Line, batch: Sequence[DecisionRecord]) -> Iterator[tuple[DecisionRecord, Judgement | str]]:
    readable, inputs = list[DecisionRecord](), []
    for record in batch:
        try:
            inputs.append(line.contract.read(to_json(record.record["input"])))
            readable.append(record)
        except (InputInvalid, InputMalformed) as error:
            yield record, f"the contract has changed: {error}"
    seen = [Seen(record.record["features"], _feature_error(record)) for record in readable]
    judged = line.judge(inputs, seen)
    for record, given, s, judgement in zip(readable, inputs, seen, judged, strict=True):
        yield record, _without_prediction(line, record, given, s) or judgement


def _without_prediction(line: Line, record: DecisionRecord, given: Mapping[str, Any], seen: Seen) -> Judgement | None:
    """What is decided when the version had no answer then, as it was seen; None if it had one, or another version is asked."""
    fallback = record.record["fallback"]
    if fallback is None or line.ref.model.version != record.row.model_version:
        return None
    by = Fallback(fallback["step"], fallback["because"])
    if by.step == BY_RULES:
        return line.by_rules(line.traffic.champion, given, seen, by)
    if by.step == BY_REVIEW:
        return line.to_review(line.traffic.champion, by.because, record.record["policy"]["error"], by)
    return None


def _feature_error(record: DecisionRecord) -> str | None:
    policy = record.record["policy"]
    return str(policy["error"]) if "FEATURE_FAILED" in policy["reasons"] else None


def _told(record: DecisionRecord) -> str:
    prediction = record.record["prediction"]
    return _line_of(record.row.outcome, record.row.rule, None if prediction is None else prediction["score"])


def _judged(judgement: Judgement) -> str:
    prediction = judgement.prediction
    return _line_of(judgement.ruling.outcome, judgement.ruling.rule, None if prediction is None else prediction.score)


def _line_of(outcome: str, rule: str, score: float | None) -> str:
    return f"{outcome} by {rule}, score {score!r}"
