"""The changes and rollbacks in the history of a line: one walk over its acts, oldest first. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from andon.changes.domain import WINDOW, ActKind, Change, ChangeRecord, FailureSign, Rollback, SignKind
from andon.changes.history import LineHistory
from andon.changes.pointers import Pointer, PointerEntry
from andon.decisions import Release
from andon.gates import GateRevision
from andon.models import Alias
from andon.policies import PolicySetting
from andon.serving import Candidate, TrafficSplit


def count_changes(history: LineHistory) -> ChangeRecord:
    """Find every change and rollback of a line; blame for pulled cords and incidents is `blaming.py`."""
    walk = _Walk(history)
    steps: list[tuple[datetime, int, Callable[[], None]]] = []

    def add(moments: Iterable[tuple[datetime, Callable[[], None]]], order: int) -> None:
        steps.extend((at, order, step) for at, step in moments)

    add(((one.released_at, partial(walk.release, one)) for one in history.releases), 0)
    add(((one.set_at, partial(walk.set_policy, one)) for one in history.policies), 1)
    add(((one.set_at, partial(walk.promote, one)) for some in history.champions.values() for one in some), 2)
    add(((one.set_at, partial(walk.split, one)) for one in history.splits if one.set_at is not None), 3)
    add(((one.at, partial(walk.narrow, one)) for one in history.narrowed), 4)
    for _, _, step in sorted(steps, key=lambda one: one[:2]):
        step()
    return ChangeRecord(tuple(walk.changes), tuple(walk.rollbacks))


@dataclass(slots=True)
class _Walk:
    """What holds after the acts so far. Changes are named by their place in `changes`."""

    history: LineHistory
    changes: list[Change] = field(default_factory=list)
    rollbacks: list[Rollback] = field(default_factory=list)
    _released: Release | None = None
    _release_change: int | None = None
    _policy: str = ""
    _split: TrafficSplit | None = None
    _champions: dict[str, int] = field(default_factory=dict)
    _pointers: dict[str, Pointer] = field(default_factory=dict)
    _given: dict[Candidate, PointerEntry] = field(default_factory=dict)

    def release(self, one: Release) -> None:
        """Follow a release."""
        self._released = one
        deployed_at = self.history.versions[one.version].deployed_at
        change = Change(
            one.released_at,
            ActKind.RELEASE,
            f"version {one.version}",
            one.released_by,
            one.reason,
            deployed_at,
            one.released_at,
        )
        self._release_change = self._point("release", str(one.version), change)

    def set_policy(self, one: PolicySetting) -> None:
        """Follow a setting of the policy; one that came with a release is part of that."""
        self._policy = one.version
        published_at = self.history.published.get(one.version, one.set_at)
        change = Change(
            one.set_at, ActKind.POLICY, f"policy {one.version}", one.set_by, one.reason, published_at, one.set_at
        )
        if self._released is not None and self._released.released_at == one.set_at:
            self._point("policy", one.version, change, part_of=self._release_change, counts=False)
        else:
            self._point("policy", one.version, change, counts=self._released is not None)

    def promote(self, one: Alias) -> None:
        """Follow the champion of a model. It counts where the champion has a share of the line's traffic."""
        self._champions[one.name] = one.number
        own = self._model == one.name and Candidate(one.number, self._policy) in self._answering()
        registered_at = self.history.registered[one.name].get(one.number, one.set_at)
        what = f"{one.name} {one.number} as champion"
        change = Change(one.set_at, ActKind.PROMOTION, what, one.set_by, one.reason, registered_at, one.set_at)
        self._point(f"champion/{one.name}", str(one.number), change, counts=own)
        if own:
            self._given.pop(Candidate(one.number), None)

    def split(self, one: TrafficSplit) -> None:
        """Follow a split: candidates that had no traffic and have some, and those that lost theirs."""
        assert one.set_at is not None  # noqa: S101 - only splits that somebody made are in the history
        before, self._split = self._answering(), one
        if self._released is None or one.model != self._model:
            return
        after = self._answering()
        ended = {each: self._given.pop(each) for each in list(self._given) if each not in one.shares}
        lost = {each: entry for each, entry in ended.items() if self._arm(each) not in after}
        names = ", ".join(map(str, lost))
        self._undo(
            list(lost.values()), Rollback(one.set_at, one.set_by, one.reason, f"version {names} no longer answers")
        )
        for candidate, share in one.shares.items():
            if self._arm(candidate) not in before:
                what = f"version {candidate}: {share:g} %"
                ready_at = self._ready_at(one.model, candidate, one.set_at)
                change = Change(one.set_at, ActKind.SPLIT, what, one.set_by, one.reason, ready_at, one.set_at)
                self._given[candidate] = PointerEntry(str(candidate), one.set_at, self._add(change))

    def narrow(self, one: GateRevision) -> None:
        """Follow a gate that a person narrowed."""
        if self._released is not None:
            where = f" ({one.where})" if one.where else ""
            what = f"confidence from {one.threshold:.4g} for {one.arm}{where}"
            self._add(Change(one.at, ActKind.GATE, what, one.by, one.reason))

    def _point(
        self, name: str, value: str, change: Change, *, part_of: int | None = None, counts: bool = True
    ) -> int | None:
        """Move a pointer on or back; return the change that this was, if it was one."""
        pointer = self._pointers.setdefault(name, Pointer())
        undone = pointer.undone_by(value, change.at)
        if undone is not None:
            pointer.move_back(undone)
            self._undo(undone, Rollback(change.at, change.by, change.reason, f"back to {change.what}"))
            return None
        made = self._add(change) if counts else part_of
        pointer.move_on(value, change.at, made)
        return made

    def _undo(self, undone: Sequence[PointerEntry], rollback: Rollback) -> None:
        """Mark the changes of the last WINDOW as rolled back; an act that undoes none is no rollback."""
        places = {one.change for one in undone if one.change is not None and rollback.at - one.at <= WINDOW}
        fresh = [place for place in places if self.changes[place].undone_at is None]
        for place in fresh:
            sign = FailureSign(SignKind.ROLLED_BACK, rollback.at, rollback.at, rollback.reason)
            self.changes[place] = replace(self.changes[place], undone_at=rollback.at, signs=(sign,))
        last = self.rollbacks[-1] if self.rollbacks else None
        if fresh and (last is None or (last.at, last.by) != (rollback.at, rollback.by)):
            self.rollbacks.append(rollback)

    def _add(self, change: Change) -> int:
        self.changes.append(change)
        return len(self.changes) - 1

    @property
    def _model(self) -> str | None:
        return None if self._released is None else self.history.model_of(self._released.version)

    def _answering(self) -> set[Candidate]:
        """The candidates that answer, each with the policy that it goes by."""
        model = self._model
        if model is None:
            return set()
        held = self._split is not None and self._split.model == model
        split = self._split if held and self._split is not None else TrafficSplit(self.history.automation, model)
        return {self._arm(one) for one in split.answering(self._champions.get(model))}

    def _arm(self, candidate: Candidate) -> Candidate:
        return Candidate(candidate.version, candidate.policy or self._policy)

    def _ready_at(self, model: str, candidate: Candidate, at: datetime) -> datetime:
        """When the last part of a candidate was there."""
        registered_at = self.history.registered.get(model, {}).get(candidate.version, at)
        return max(registered_at, self.history.published.get(candidate.policy, registered_at))
