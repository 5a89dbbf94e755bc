"""The changes and rollbacks in the history of a line: one walk over its acts, oldest first. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from andon.changes.domain import WINDOW, ActKind, ChangeRecord, FailureSign, LineChange, Rollback, SignKind
from andon.changes.following import LineNow
from andon.changes.history import LineHistory
from andon.changes.pointers import Pointer, PointerEntry
from andon.changes.rollouts import RolloutTrace
from andon.decisions import Release
from andon.gates import GateRevision
from andon.models import Alias
from andon.policies import PolicySetting
from andon.rollouts import RolloutState
from andon.serving import Candidate, TrafficSplit


def count_changes(history: LineHistory) -> ChangeRecord:
    """Find every change and rollback of a line. `blaming.py` adds the blame for pulled cords and incidents."""
    walk = _Walk(LineNow(history), history.rollouts)
    steps: list[tuple[datetime, int, Callable[[], None]]] = []

    def add(moments: Iterable[tuple[datetime | None, Callable[[], None]]]) -> None:
        order = len(steps)
        steps.extend((at, order, step) for at, step in moments if at is not None)

    add((one.traffic_at, partial(walk.begin_rollout, one)) for one in history.rollouts)
    add((one.promoted_at, partial(walk.promote_rollout, one)) for one in history.rollouts)
    add((one.withdrawn_at, partial(walk.withdraw_rollout, one)) for one in history.rollouts)
    add((one.released_at, partial(walk.release, one)) for one in history.releases)
    add((one.set_at, partial(walk.set_policy, one)) for one in history.policies)
    add((one.set_at, partial(walk.promote, one)) for some in history.champions.values() for one in some)
    add((one.set_at, partial(walk.split, one)) for one in history.splits)
    add((one.at, partial(walk.narrow, one)) for one in history.narrowed)
    for _, _, step in sorted(steps, key=lambda one: one[:2]):
        step()
    return ChangeRecord(tuple(walk.changes), tuple(walk.rollbacks))


@dataclass(slots=True)
class _Walk:
    """The state of the walk. Each change is identified by its index in `changes`."""

    now: LineNow
    rollouts: Sequence[RolloutTrace]
    changes: list[LineChange] = field(default_factory=list)
    rollbacks: list[Rollback] = field(default_factory=list)
    _release_change: int | None = None
    _pointers: dict[str, Pointer] = field(default_factory=dict)
    _given: dict[Candidate, PointerEntry] = field(default_factory=dict)
    _rolled_out: dict[int, int] = field(default_factory=dict)

    def begin_rollout(self, one: RolloutTrace) -> None:
        """Follow a rollout whose candidate gets its first traffic."""
        rollout, at = one.rollout, one.traffic_at
        if at is None:
            return
        what = f"rollout {rollout.number}: version {rollout.candidate}"
        ready_at = self.now.ready_at(rollout.model, rollout.candidate, rollout.created_at)
        change = LineChange(at, ActKind.ROLLOUT, what, rollout.started_by, rollout.reason, ready_at)
        self._rolled_out[rollout.number] = self._add(change)

    def promote_rollout(self, one: RolloutTrace) -> None:
        """Follow a candidate that took over."""
        place = self._rolled_out[one.rollout.number]
        self.changes[place] = replace(self.changes[place], in_force_at=one.promoted_at)

    def withdraw_rollout(self, one: RolloutTrace) -> None:
        """Follow a candidate that lost its traffic, no matter how long it had it."""
        rollout, at = one.rollout, one.withdrawn_at
        if rollout.number in self._rolled_out and at is not None:
            kind = SignKind.ABORTED if rollout.state is RolloutState.ABORTED else SignKind.ROLLED_BACK
            what = f"rollout {rollout.number} {kind}"
            rollback = Rollback(at, rollout.ended_by or "", rollout.why, what)
            self._fail([self._rolled_out[rollout.number]], rollback, kind)

    def release(self, one: Release) -> None:
        """Follow a release."""
        at, self.now.released = one.released_at, one
        deployed_at = self.now.history.versions[one.version].deployed_at
        what = f"version {one.version}"
        change = LineChange(at, ActKind.RELEASE, what, one.released_by, one.reason, deployed_at, at)
        self._release_change = self._point("release", str(one.version), change)

    def set_policy(self, one: PolicySetting) -> None:
        """Follow a change of the policy. If made by a release or a rollout, it is part of that change."""
        at, self.now.policy = one.set_at, one.version
        published_at = self.now.history.published.get(one.version, at)
        change = LineChange(at, ActKind.POLICY, f"policy {one.version}", one.set_by, one.reason, published_at, at)
        released, by_rollout = self.now.released, self._by_rollout(one)
        if released is not None and released.released_at == at:
            self._point("policy", one.version, change, part_of=self._release_change, counts=False)
        else:
            counts = released is not None and by_rollout is None
            self._point("policy", one.version, change, part_of=by_rollout, counts=counts, back=by_rollout is None)

    def promote(self, one: Alias) -> None:
        """Follow a new champion. It counts as a change if the champion has a share of the line's traffic."""
        self.now.champions[one.name] = one.number
        own = self.now.model == one.name and self.now.arm(Candidate(one.number)) in self.now.answering()
        ready_at = self.now.ready_at(one.name, Candidate(one.number), one.set_at)
        what, by_rollout = f"{one.name} {one.number} as champion", self._by_rollout(one)
        change = LineChange(one.set_at, ActKind.PROMOTION, what, one.set_by, one.reason, ready_at, one.set_at)
        counts, back = own and by_rollout is None, by_rollout is None
        pointer = f"champion/{one.name}"
        self._point(pointer, str(one.number), change, part_of=by_rollout, counts=counts, back=back)
        if own:
            self._given.pop(Candidate(one.number), None)

    def split(self, one: TrafficSplit) -> None:
        """Follow a split: the candidates that gain traffic, and those that lose it."""
        before, self.now.split, at = self.now.answering(), one, one.set_at
        if at is None or one.model != self.now.model or self._is_trial(one):
            return
        after = self.now.answering()
        ended = {each: self._given.pop(each) for each in list(self._given) if each not in one.shares}
        lost = {each: entry for each, entry in ended.items() if self.now.arm(each) not in after}
        what = f"version {', '.join(map(str, lost))} no longer answers"
        self._undo(list(lost.values()), Rollback(at, one.set_by, one.reason, what))
        for candidate, share in one.shares.items():
            if self.now.arm(candidate) not in before:
                what, ready_at = f"version {candidate}: {share:g} %", self.now.ready_at(one.model, candidate, at)
                change = LineChange(at, ActKind.SPLIT, what, one.set_by, one.reason, ready_at, at)
                self._given[candidate] = PointerEntry(str(candidate), at, self._add(change))

    def _is_trial(self, one: TrafficSplit) -> bool:
        """Return whether a split belongs to a rollout, which counts instead, or to an experiment, which does not."""
        return one.number in self.now.history.tried or any(each.made(one) for each in self.rollouts)

    def narrow(self, one: GateRevision) -> None:
        """Follow a gate that a person narrowed."""
        if self.now.released is not None:
            where = f" ({one.where})" if one.where else ""
            what = f"confidence from {one.threshold:.4g} for {one.arm}{where}"
            self._add(LineChange(one.at, ActKind.GATE, what, one.by, one.reason))

    def _by_rollout(self, act: Alias | PolicySetting) -> int | None:
        """Return the change of the rollout whose promotion was this act."""
        return next((self._rolled_out[one.rollout.number] for one in self.rollouts if one.made(act)), None)

    def _point(
        self,
        name: str,
        value: str,
        change: LineChange,
        *,
        part_of: int | None = None,
        counts: bool = True,
        back: bool = True,
    ) -> int | None:
        """Move a pointer on, or back if `back` allows a rollback. Return the index of the change, if it was one."""
        pointer = self._pointers.setdefault(name, Pointer())
        undone = pointer.undone_by(value, change.at) if back else None
        if undone is not None:
            pointer.move_back(undone)
            self._undo(undone, Rollback(change.at, change.by, change.reason, f"back to {change.what}"))
            return None
        made = self._add(change) if counts else part_of
        pointer.move_on(value, change.at, made)
        return made

    def _undo(self, undone: Sequence[PointerEntry], rollback: Rollback) -> None:
        """Mark the undone changes of the last WINDOW as failed."""
        places = {one.change for one in undone if one.change is not None and rollback.at - one.at <= WINDOW}
        self._fail(sorted(places), rollback, SignKind.ROLLED_BACK)

    def _fail(self, places: Sequence[int], rollback: Rollback, kind: SignKind) -> None:
        """Mark changes as undone. An act that undoes none is not a rollback; two parts of one act are one rollback."""
        fresh = [place for place in places if self.changes[place].undone_at is None]
        for place in fresh:
            sign = FailureSign(kind, rollback.at, rollback.at, rollback.reason)
            self.changes[place] = replace(self.changes[place], undone_at=rollback.at, signs=(sign,))
        last = self.rollbacks[-1] if self.rollbacks else None
        if fresh and (last is None or (last.at, last.by) != (rollback.at, rollback.by)):
            self.rollbacks.append(rollback)

    def _add(self, change: LineChange) -> int:
        self.changes.append(change)
        return len(self.changes) - 1
