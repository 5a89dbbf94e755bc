"""Replay: recorded decisions decided again from what was seen then, and compared. Writes nothing.

With `verify` in mind: the same versions on the same features must give the same outcome, rule and score, to the last bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from andon.authoring import BY_RULES
from andon.decisions.domain import DecisionRecord, Fallback, Judgement
from andon.decisions.errors import InputInvalid, InputMalformed
from andon.decisions.line import FEATURE_FAILED, Line, Seen

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
    asked = list[DecisionRecord]()
    inputs, seen = list[Mapping[str, Any]](), list[Seen]()
    for record in batch:
        try:
            given = line.contract.read(to_json(record.record["input"]))
        except (InputInvalid, InputMalformed) as error:
            yield record, f"the contract has changed: {error}"
            continue
        as_seen = Seen(record.record["features"], _feature_error(record))
        if _is_asked(line, record, as_seen):
            asked.append(record)
            inputs.append(given)
            seen.append(as_seen)
        else:
            yield record, _without_prediction(line, record, given, as_seen)
    yield from zip(asked, line.judge(inputs, seen), strict=True)


def _is_asked(line: Line, record: DecisionRecord, seen: Seen) -> bool:
    """Whether the version predicts: it did then, or it is another one than then; and there is something to predict of."""
    anew = line.ref.model.version != record.row.model_version
    return seen.error is None and (anew or record.record["prediction"] is not None)


def _without_prediction(line: Line, record: DecisionRecord, given: Mapping[str, Any], seen: Seen) -> Judgement:
    """What is decided without one, for the reason that there was then."""
    champion, policy, fallback = line.traffic.champion, record.record["policy"], record.record["fallback"]
    by = None if fallback is None else Fallback(fallback["step"], fallback["because"])
    if by is not None and by.step == BY_RULES:
        return line.by_rules(champion, given, seen, by)
    return line.to_review(champion, policy["reasons"][0], policy["error"], by)


def _feature_error(record: DecisionRecord) -> str | None:
    policy = record.record["policy"]
    return str(policy["error"]) if FEATURE_FAILED in policy["reasons"] else None


def _told(record: DecisionRecord) -> str:
    prediction = record.record["prediction"]
    return _line_of(record.row.outcome, record.row.rule, None if prediction is None else prediction["score"])


def _judged(judgement: Judgement) -> str:
    prediction = judgement.prediction
    return _line_of(judgement.ruling.outcome, judgement.ruling.rule, None if prediction is None else prediction.score)


def _line_of(outcome: str, rule: str, score: float | None) -> str:
    return f"{outcome} by {rule}, score {score!r}"
