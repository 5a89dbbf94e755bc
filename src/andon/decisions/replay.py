"""Replay: recorded decisions decided again from their recorded features. Writes nothing.

The same versions on the same features must give the same outcome, rule and score, to the last bit. A candidate is
judged in the line state of that time. Parts that it does not name stay as they were.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from andon.authoring import BY_REVIEW, BY_RULES
from andon.cord import LineState, LineStates
from andon.decisions.contract import Contract
from andon.decisions.controls import UNCONTROLLED, Control, Gate
from andon.decisions.domain import DecisionRecord, Judgement, LineRef, ModelRef
from andon.decisions.errors import InputInvalid, InputMalformed
from andon.decisions.judging import Judge
from andon.decisions.line import Line
from andon.decisions.predicting import Ask, Row, Unpredictable, ask_now, failure_of, predictions
from andon.decisions.recorded import RecordedDecision, RecordReader
from andon.decisions.seeing import Seen
from andon.decisions.traffic import Arm
from andon.serving import Prediction

BATCH = 256

Read: TypeAlias = Mapping[str, Any]
"""An input as the contract reads it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision with a different result now, or one that could not be decided again (then `after` is the reason)."""

    id: UUID
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay."""

    compared: int
    identical: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class ReplayBy:
    """The versions that decide again: a contract, a judge, and the parts of an arm that differ from the recorded ones.

    Without an `arm`, each decision keeps its recorded prediction. `same` says that `arm` is the version that predicted:
    a row without a recorded prediction has none now. Without a `gate`, the same version keeps the recorded gate.
    Another version has its own gate, or the one in `control`.
    """

    contract: Contract
    judge: Judge
    arm: Arm | None = None
    same: bool = False
    gate: Gate | None = None
    control: Control = UNCONTROLLED

    @classmethod
    def line(cls, line: Line, record: RecordedDecision) -> "ReplayBy":
        """Take the champion of a line, which need not be the version that decided."""
        champion = line.traffic.champion
        return cls(line.contract, line.judge, champion, same=champion.version == record.line.model.version)

    def read(self, records: Sequence[RecordedDecision]) -> list[Read | str]:
        """Return each input as the contract reads it, or the reason why it no longer fits."""
        return [_read(self.contract, record.input) for record in records]

    def judge_all(
        self, records: Sequence[RecordedDecision], inputs: Sequence[Read], seen: Sequence[Seen], now: datetime
    ) -> list[Judgement]:
        """Judge decisions again, in groups with the same conditions. A gate that has expired at `now` is not used."""
        judged: dict[int, Judgement] = {}
        for conditions, numbers in _alike(records).items():
            for first in range(0, len(numbers), BATCH):
                some = numbers[first : first + BATCH]
                columns = [records[n] for n in some], [inputs[n] for n in some], [seen[n] for n in some]
                judged.update(zip(some, self._judge(conditions, *columns, now), strict=True))
        return [judged[number] for number in range(len(records))]

    def _judge(
        self,
        conditions: "_Conditions",
        records: Sequence[RecordedDecision],
        inputs: Sequence[Read],
        seen: Sequence[Seen],
        now: datetime,
    ) -> list[Judgement]:
        predicted = [
            record
            for record, one in zip(records, seen, strict=True)
            if one.error is None and conditions.state is not LineState.STOPPED
        ]
        gate = self.gate or (conditions.gate if self.arm is None or self.same else self.arm.gate)
        gates = {} if self.gate is not None or self.arm is None or self.same else self.control.gates
        if self.arm is None:
            arm, ask = Arm(NOBODY, AsRecorded(), gate), _as_recorded(predicted)
        else:
            arm, ask = replace(self.arm, gate=gate), _asking(predicted) if self.same else ask_now
        fallbacks = ((conditions.fallback, None),) if conditions.fallback in (BY_RULES, BY_REVIEW) else ()
        control = Control(LineStates(conditions.state), gates)
        return self.judge.judge_now(arm, inputs, seen, control, now=now, fallbacks=fallbacks, ask=ask)


def replay(
    records: Sequence[DecisionRecord], line_of: Callable[[DecisionRecord], Line], progress: Callable[[int], None]
) -> Replayed:
    """Decide records again, each by the line that `line_of` returns for it, and compare outcome, rule and score."""
    identical, differences, reader = 0, list[Difference](), RecordReader()
    for line, batch in _by_line(records, line_of):
        now = max(record.row.decided_at for record in batch)
        made = again([reader.take(one.record) for one in batch], partial(ReplayBy.line, line), now)
        pairs: list[tuple[RecordedDecision, Judgement | str]] = [*made.undecided]
        pairs += zip(made.records, made.judgements, strict=True)
        for record, judgement in pairs:
            found = difference(record, judgement)
            if found is None:
                identical += 1
            else:
                differences.append(found)
        progress(len(batch))
    return Replayed(len(records), identical, tuple(differences))


def again(
    records: Sequence[RecordedDecision],
    by_of: Callable[[RecordedDecision], ReplayBy],
    now: datetime,
    seen: Mapping[UUID, Seen] | None = None,
) -> "MadeAgain":
    """Decide records again, in groups with the same versions. `seen` gives features in place of the recorded ones."""
    groups: dict[tuple[int, str, int], list[RecordedDecision]] = {}
    for record in records:
        line = record.line
        groups.setdefault((line.automation_version, line.policy_version, line.model.version), []).append(record)
    made = MadeAgain()
    for some in groups.values():
        by = by_of(some[0])
        inputs = by.read(some)
        made.undecided += [(one, given) for one, given in zip(some, inputs, strict=True) if isinstance(given, str)]
        fitting = [(one, given) for one, given in zip(some, inputs, strict=True) if not isinstance(given, str)]
        ones, given = [one for one, _ in fitting], [given for _, given in fitting]
        known = [Seen(one.features, one.feature_error) if seen is None else seen[one.id] for one in ones]
        made.records += ones
        made.inputs += given
        made.seen += known
        made.judgements += by.judge_all(ones, given, known, now)
    return made


@dataclass(slots=True)
class MadeAgain:
    """Decisions made again, column by column; and those that cannot be made again, each with the reason."""

    records: list[RecordedDecision] = field(default_factory=list)
    inputs: list[Read] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    undecided: list[tuple[RecordedDecision, str]] = field(default_factory=list)


def difference(record: RecordedDecision, judgement: Judgement | str) -> Difference | None:
    """Return how a decision differs now; None if outcome, rule and score are the same."""
    before, after = summary_of(record.judgement), judgement if isinstance(judgement, str) else summary_of(judgement)
    return None if before == after else Difference(record.id, before, after)


def _by_line(
    records: Sequence[DecisionRecord], line_of: Callable[[DecisionRecord], Line]
) -> Iterator[tuple[Line, list[DecisionRecord]]]:
    """Return batches of neighbouring records that the same line decided."""
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


class _Conditions(NamedTuple):
    """The conditions of a decision apart from its versions: the line state, the gate, the fallback that answered."""

    state: LineState
    gate: Gate
    fallback: str | None


def _alike(records: Iterable[RecordedDecision]) -> dict[_Conditions, list[int]]:
    """Return the indexes of decisions by their conditions."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for number, record in enumerate(records):
        risk, fallback = record.risk, record.fallback
        held = (record.line_state, risk.threshold, risk.target, risk.revision, fallback and fallback.step)
        found.setdefault(held, []).append(number)
    return {_Conditions(state, Gate(*gate), step): numbers for (state, *gate, step), numbers in found.items()}


def _read(contract: Contract, raw: bytes) -> Read | str:
    try:
        return contract.read(raw)
    except (InputInvalid, InputMalformed) as error:
        faults = "; ".join(f"{fault.where}: {fault.message}" for fault in error.faults)
        return f"the contract has changed: {faults or error}"


def _asking(records: Sequence[RecordedDecision]) -> Ask:
    """Ask for these rows again. A row without a recorded prediction has none now, for the same reason."""

    async def ask(arm: Arm, rows: Sequence[Row], within: float) -> Sequence[Prediction | Unpredictable]:
        there = [row for row, record in zip(rows, records, strict=True) if record.prediction is not None]
        answers = iter(await predictions(ask_now, arm, there, perf_counter() + within))
        return [_failure_of(record) if record.prediction is None else next(answers) for record in records]

    return ask


def _as_recorded(records: Sequence[RecordedDecision]) -> Ask:
    """Return the recorded predictions, or the reasons if there were none."""

    async def ask(arm: Arm, rows: Sequence[Row], within: float) -> Sequence[Prediction | Unpredictable]:
        del arm, rows, within
        return [record.prediction or _failure_of(record) for record in records]

    return ask


def _failure_of(record: RecordedDecision) -> Unpredictable:
    """Return the failure in a record, with its reason and its message."""
    policy, fallback = record.policy, record.fallback
    because = fallback.because if fallback is not None else policy.reasons[-1] if policy.reasons else ""
    return failure_of(because, policy.error or because)


class AsRecorded:
    """The version in an arm whose predictions are known. It is never asked."""

    inline = True
    capacity = 1
    max_batch = BATCH

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """Refuse to predict."""
        raise NotImplementedError

    async def predict_soon(self, rows: Sequence[Mapping[str, Any]], *, within: float) -> list[Prediction]:
        """Refuse to predict."""
        raise NotImplementedError

    def take_cpu_us(self) -> int:
        """Return 0: nothing is predicted."""
        return 0


NOBODY = LineRef("", 0, ModelRef("", 0, ""), "")
"""The reference of an arm without a version."""


def summary_of(judgement: Judgement) -> str:
    """Return outcome, rule and score in one line."""
    prediction, ruling = judgement.prediction, judgement.ruling
    return f"{ruling.outcome} by {ruling.rule}, score {None if prediction is None else prediction.score!r}"
