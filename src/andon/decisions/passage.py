"""One batch on its way: features as seen, each arm's judgement, the record, then answers and reports."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from time import perf_counter, perf_counter_ns, thread_time_ns
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from andon.decisions import consequences
from andon.decisions.controls import Controls
from andon.decisions.domain import Decision, DecisionRequest, Stages
from andon.decisions.errors import DeadlineExceeded, in_doubt_of
from andon.decisions.judging import FOR_EVER, Judged, to_predict
from andon.decisions.ledger import LedgerEntry
from andon.decisions.line import Line
from andon.decisions.ports import LedgerWriter
from andon.decisions.queue import Item, grouped
from andon.decisions.reader import FeatureReader
from andon.decisions.recording import Alongside, Batch
from andon.decisions.report import BatchReport
from andon.decisions.seeing import Seen
from andon.decisions.traffic import Arm
from andon.features import Delta
from andon.kernel.clock import Clock


class BatchWatcher(Protocol):
    """Observes batches; for metrics."""

    def batch(self, reports: Sequence[BatchReport]) -> None:
        """Observe a committed batch; there is one report for each arm in it."""
        ...

    def failed(self, transient: bool, requests: int) -> None:
        """Observe a batch that could not be decided."""
        ...

    def expired(self, automation: str, requests: int) -> None:
        """Observe requests for which nobody waited any more at their turn."""
        ...

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        """Observe rows that were shown to shadows, and rows that were not for lack of time or budget."""
        ...


class Unwatched:
    """A watcher that does nothing."""

    def batch(self, reports: Sequence[BatchReport]) -> None:
        """Nothing."""

    def failed(self, transient: bool, requests: int) -> None:
        """Nothing."""

    def expired(self, automation: str, requests: int) -> None:
        """Nothing."""

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        """Nothing."""


class Payer(Protocol):
    """Decides how many predictions can still be paid for."""

    def allow(self, automation: str, n: int) -> int:
        """Return how many of `n` predictions may be made, 0 to n."""
        ...

    def settle(self, automation: str, version: int, paid: int, unpaid: int, cpu_us: int) -> None:
        """Settle a version's predictions: the allowed ones (`paid`) are done and took `cpu_us`; `unpaid` were not made.

        `cpu_us` is CPU time in microseconds.
        """
        ...

    def settle_shadow(self, automation: str, version: int, paid: int, cpu_us: int) -> None:
        """Settle a shadow's predictions, which cost something but decide nothing."""
        ...


class Unlimited:
    """A purse without a budget, which counts no cost."""

    def allow(self, automation: str, n: int) -> int:
        """All."""
        del automation
        return n

    def settle(self, automation: str, version: int, paid: int, unpaid: int, cpu_us: int) -> None:
        """Nothing."""

    def settle_shadow(self, automation: str, version: int, paid: int, cpu_us: int) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that all lanes of a process share. `shadow` is offered every batch after it was answered."""

    reader: FeatureReader
    recorder: LedgerWriter
    clock: Clock
    controls: Controls
    watcher: BatchWatcher
    purse: Payer
    shadow: Callable[[Line, Sequence[DecisionRequest], Sequence[Seen]], None]


class ArmShare(Struct):
    """One arm's share of a batch: its items of the group, and the CPU time it took in microseconds."""

    arm: Arm
    numbers: list[int]
    judged: Judged
    cpu_us: int


class Group(Struct):
    """The items of one line in a batch, and their results: `decisions` in the order of `items`."""

    line: Line
    items: list[Item]
    seen: list[Seen] = []
    deltas: list[Delta] = []
    shares: list[ArmShare] = []
    decisions: list[Decision] = []
    features: float = 0.0

    @property
    def requests(self) -> list[DecisionRequest]:
        """The requests of the items."""
        return [item.request for item in self.items]

    def seen_of(self, recorded: set[UUID]) -> tuple[list[DecisionRequest], list[Seen]]:
        """Return the requests of the group that are recorded, and their features as seen."""
        pairs = zip(self.items, self.seen, strict=True)
        kept = [(item.request, seen) for item, seen in pairs if item.request.id in recorded]
        return [request for request, _ in kept], [seen for _, seen in kept]

    def deltas_of(self, kept: set[UUID]) -> list[Delta]:
        """Return what the recorded requests add to the feature state."""
        if all(item.request.id in kept for item in self.items):
            return self.deltas
        return self.line.see([request for request in self.requests if request.id in kept], {})[1]


class Passed(Struct, frozen=True):
    """A batch that is in the ledger: the groups of its lines, the ids recorded now, and when it began and ended.

    `refused` are the requests that PostgreSQL rejected, with the reason.
    """

    groups: list[Group]
    recorded: set[UUID]
    record: float
    began_ns: int
    ended_ns: int
    refused: Mapping[UUID, str] = {}

    @property
    def whole(self) -> bool:
        """Whether the whole batch is in the ledger."""
        return len(self.recorded) == sum([len(group.items) for group in self.groups])

    def reports(self) -> list[BatchReport]:
        """Return a report for each arm. Call it after every caller has an answer, since no caller waits for it."""
        whole = self.whole
        return [report for group in self.groups for report in _reports(group, self, whole)]


async def decide(parts: Parts, items: Sequence[Item], alongside: Alongside | None = None) -> Passed:
    """Decide and record a batch, together with what is written alongside.

    Raises LedgerUnavailable; then nothing of it is answered. With `alongside` also RepeatsFound and Fenced.
    """
    began_ns = perf_counter_ns()
    groups = [Group(line, own) for line, own in grouped(items)]
    for group in groups:
        await _see(parts, group)
        await _judge(parts, group)
    entries = [
        LedgerEntry(decision, consequences.messages(group.line, decision))
        for group in groups
        for decision in group.decisions
    ]

    def deltas(requests: Sequence[DecisionRequest]) -> list[Delta]:
        adding = [group for group in groups if group.deltas]
        if len(requests) == len(entries):
            return [delta for group in adding for delta in group.deltas]
        kept = {request.id for request in requests}
        return [delta for group in adding for delta in group.deltas_of(kept)]

    recording = perf_counter()
    batch = Batch(entries, deltas, alongside=alongside, give_up=partial(_give_up, parts.watcher, groups))
    asyncio.get_running_loop().call_soon(_foretell, groups)  # once this waits for PostgreSQL
    recorded = await parts.recorder.record(batch)
    return Passed(groups, recorded, perf_counter() - recording, began_ns, perf_counter_ns(), batch.refused)


async def _see(parts: Parts, group: Group) -> None:
    began = perf_counter()
    requests = group.requests
    needs = group.line.needs(requests)
    snapshot = await parts.reader.read(needs) if needs else {}
    looked = await parts.reader.look_up(group.line.wanted(requests)) if group.line.looks_up else None
    group.seen, group.deltas = group.line.see(requests, snapshot, looked)
    group.features = perf_counter() - began


async def _judge(parts: Parts, group: Group) -> None:
    """Judge with every arm of the group in turn, then put the decisions in the order of the items."""
    line, made = group.line, dict[int, Decision]()
    name, control = line.automation.name, parts.controls.of(line.automation.name)
    subject_of = line.subject_of
    for arm, numbers in _by_arm(group.items):
        items, seen = list(map(group.items.__getitem__, numbers)), list(map(group.seen.__getitem__, numbers))
        inputs = [item.request.input for item in items]
        paid = parts.purse.allow(name, len(to_predict(seen, control.states.each(inputs))))
        cpu, cpu_us = thread_time_ns(), 0
        try:
            judged = await line.judge.judge(
                arm,
                inputs,
                seen,
                control,
                now=parts.clock.now(),
                within=_within(items),
                paid=paid,
                fallbacks=line.traffic.fallbacks,
            )
            cpu_us = (thread_time_ns() - cpu) // 1000 if arm.loaded.inline else arm.loaded.take_cpu_us()
        finally:
            parts.purse.settle(name, arm.version, paid, len(items) - paid, cpu_us)
        group.shares.append(ArmShare(arm, numbers, judged, cpu_us))
        now = parts.clock.now()
        stages = Stages(
            features=int(group.features * 1e6),
            predict=int(judged.predict * 1e6),
            policy=int(judged.policy * 1e6),
            cpu=cpu_us,
            batch=len(items),
        )
        decisions = [
            Decision(
                item.request,
                by.ref,
                s.features,
                judgement,
                now,
                stages,
                item.assignment,
                subject=subject_of(item.request.input),
            )
            for item, s, judgement, by in zip(items, seen, judged.judgements, judged.arms, strict=True)
        ]
        if line.draws is not None:
            decisions = line.draws.draw(line.automation, decisions, control.audit_share)
        made.update(zip(numbers, decisions, strict=True))
    group.decisions = list(map(made.__getitem__, range(len(group.items))))


def _give_up(watcher: BatchWatcher, groups: Sequence[Group], ids: AbstractSet[UUID], in_doubt: bool) -> None:
    """Answer the callers for whom the database does not answer in time."""
    for group in groups:
        given_up = [item for item in group.items if item.request.id in ids]
        for item in given_up:
            item.tell(None, in_doubt_of(item.request.id) if in_doubt else DeadlineExceeded())
            item.done = _was_told
        if given_up and in_doubt:
            watcher.failed(True, len(given_up))
        elif given_up:
            watcher.expired(group.line.automation.name, len(given_up))


def _was_told(decision: Decision | None, error: BaseException | None) -> None:
    """Do nothing: the caller has an answer already."""


def _foretell(groups: Sequence[Group]) -> None:
    """Have answers prepared while PostgreSQL works, because afterwards every caller waits for them."""
    for group in groups:
        for item, decision in zip(group.items, group.decisions, strict=True):
            if item.foretold is not None:
                item.foretold(decision)


def _by_arm(items: Sequence[Item]) -> list[tuple[Arm, list[int]]]:
    first = items[0].arm
    if not [item for item in items if item.arm is not first]:
        return [(first, list(range(len(items))))]
    arms: dict[int, tuple[Arm, list[int]]] = {}
    for number, item in enumerate(items):
        known = arms.get(id(item.arm))
        if known is None:
            arms[id(item.arm)] = (item.arm, [number])
        else:
            known[1].append(number)
    return list(arms.values())


def _within(items: Sequence[Item]) -> float:
    """Return the seconds until the last of these callers gives up.

    Rows of a call that was begun in time are decided even if the caller has gone.
    """
    deadlines = [deadline for item in items if (deadline := item.request.deadline_ns) is not None]
    if len(deadlines) < len(items):
        return FOR_EVER
    left = (max(deadlines) - perf_counter_ns()) / 1e9
    return FOR_EVER if left <= 0 and all(item.begun for item in items) else max(0.001, left)


def _reports(group: Group, passed: Passed, whole: bool) -> list[BatchReport]:
    """Return a report for each arm, without the requests that repeat an earlier one."""
    recorded, began_ns, ended_ns = passed.recorded, passed.began_ns, passed.ended_ns
    reports = []
    for share in group.shares:
        numbers = share.numbers if whole else [n for n in share.numbers if group.items[n].request.id in recorded]
        asked = [item.request.began_ns for item in map(group.items.__getitem__, numbers)]
        decisions = list(map(group.decisions.__getitem__, numbers))
        strange = [seen for seen in map(group.seen.__getitem__, numbers) if seen.misplaced is not None or seen.breached]
        reports.append(
            BatchReport(
                automation=group.line.automation.name,
                model=share.arm.ref.model.name,
                version=share.arm.version,
                judgements=[decision.judgement for decision in decisions],
                queue=[(began_ns - at) / 1e9 for at in asked],
                whole=[(ended_ns - at) / 1e9 for at in asked],
                features=group.features,
                predict=share.judged.predict,
                policy=share.judged.policy,
                record=passed.record,
                cpu_us=share.cpu_us,
                began_ns=began_ns,
                ended_ns=ended_ns,
                fallbacks=share.judged.fallbacks,
                misplaced=Counter([seen.misplaced for seen in strange if seen.misplaced is not None])
                if strange
                else {},
                breached=Counter([name for seen in strange for name in seen.breached]) if strange else {},
                traced=[decision for decision in decisions if decision.request.traceparent is not None],
            )
        )
    return reports
