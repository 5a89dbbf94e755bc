"""Replay: recorded decisions decided again from what was seen then, and compared. Writes nothing.

With `verify` in mind: the same versions on the same features must give the same outcome, rule and score, to the last bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json

from andon.authoring import BY_REVIEW, BY_RULES
from andon.cord import LineState, LineStates
from andon.decisions.controls import Control, Gate
from andon.decisions.domain import DecisionRecord, Judgement
from andon.decisions.errors import InputInvalid, InputMalformed
from andon.decisions.line import Line
from andon.decisions.predicting import Ask, Row, Unpredictable, ask_now, failure_of, predictions
from andon.decisions.seeing import FEATURE_FAILED, Seen
from andon.decisions.traffic import Arm
from andon.serving import Prediction

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
    """Each record with its judgement now. Records that were judged under the same conditions go to the judge together."""
    alike: dict[_Conditions, list[tuple[DecisionRecord, Mapping[str, Any], Seen]]] = {}
    for record in batch:
        try:
            given = line.contract.read(to_json(record.record["input"]))
        except (InputInvalid, InputMalformed) as error:
            yield record, f"the contract has changed: {error}"
            continue
        seen = Seen(record.record["features"], _feature_error(record))
        alike.setdefault(_Conditions.of(record), []).append((record, given, seen))
    for conditions, cases in alike.items():
        records, inputs, seen_then = zip(*cases, strict=True)
        yield from zip(records, conditions.judge(line, records, inputs, seen_then), strict=True)


class _Conditions(NamedTuple):
    """What held when a decision was made, beside its versions: the line state, the gate, and who answered in whose place."""

    state: LineState
    gate: Gate
    fallback: str | None

    @classmethod
    def of(cls, record: DecisionRecord) -> "_Conditions":
        """As a record says."""
        risk, fallback = record.record["risk"], record.record["fallback"]
        return cls(
            LineState(record.record["line_state"]),
            Gate(risk["threshold"], risk["target"], risk.get("revision", 0)),
            None if fallback is None else fallback["step"],
        )

    def judge(
        self,
        line: Line,
        records: Sequence[DecisionRecord],
        inputs: Sequence[Mapping[str, Any]],
        seen: Sequence[Seen],
    ) -> list[Judgement]:
        """Judge again. The version that decided keeps the gate that held then; another one has its own."""
        champion = line.traffic.champion
        anew = champion.version != records[0].row.model_version
        arm = champion if anew else replace(champion, gate=self.gate)
        fallbacks = ((self.fallback, None),) if self.fallback in (BY_RULES, BY_REVIEW) else ()
        ask = ask_now if anew else _asking([record for record in records if _is_asked(record, self.state)])
        control = Control(LineStates(self.state))
        now = max(record.row.decided_at for record in records)
        return line.judge.judge_now(arm, inputs, seen, control, now=now, fallbacks=fallbacks, ask=ask)


def _is_asked(record: DecisionRecord, state: LineState) -> bool:
    """Whether the judge asks for a prediction of this row."""
    return _feature_error(record) is None and state is not LineState.STOPPED


def _asking(records: Sequence[DecisionRecord]) -> Ask:
    """Ask for these rows again; a row that had no prediction then has none now, for the same reason."""

    async def ask(arm: Arm, rows: Sequence[Row], within: float) -> Sequence[Prediction | Unpredictable]:
        there = [row for row, record in zip(rows, records, strict=True) if record.record["prediction"] is not None]
        said = iter(await predictions(ask_now, arm, there, perf_counter() + within))
        return [_failure_of(record) or next(said) for record in records]

    return ask


def _failure_of(record: DecisionRecord) -> Unpredictable | None:
    """The failure that a record tells of, with its reason and its words; None if there was a prediction."""
    if record.record["prediction"] is not None:
        return None
    policy, fallback = record.record["policy"], record.record["fallback"]
    because = policy["reasons"][-1] if fallback is None else fallback["because"]
    return failure_of(because, policy["error"] or because)


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
