"""The risk gate as the product runs it, for `script/bench nature`: decisions and verdicts in, the proven region out.

A verdict closes as soon as it is known; it opens when its decision reaches its age, and what is still open then counts
as wrong. Which case stands for its subject is the evidence stream's own choice.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from andon.authoring import BlindAudit, MaxError
from andon.evidence.collecting import REMEMBERED
from andon.evidence.judging import standings, usual_sum
from andon.models.measuring import one_a_group
from andon.models.risk import evidence_of, evidence_under, threshold_for
from andon.proofs.series import AT_ONCE, series_of
from andon.proofs.sharing import wanted_share
from andon.statistics.gate_proofs import LabelBatch
from benchmarks.nature_worlds import Cases, Flags, Floats, HeldOut

CONFIDENCE = 0.95
REVISIONS = 10_000
"""More revisions of a gate than any run has: a day and a revision together make one number."""


@dataclass(slots=True)
class _Looked:
    """Cases that people look at, by columns. `until_known` is infinite for one that is never answered."""

    number: NDArray[np.int64]
    at: Floats
    until_known: Floats
    subject: NDArray[np.int64]
    confidence: Floats
    wrong: Flags
    propensity: Floats
    slot: NDArray[np.int64]

    def chosen(self, which: NDArray[np.generic]) -> "_Looked":
        return _Looked(*(getattr(self, name)[which] for name in _Looked.__slots__))

    def __add__(self, other: "_Looked") -> "_Looked":
        return _Looked(*(np.concatenate((getattr(self, name), getattr(other, name))) for name in _Looked.__slots__))

    @classmethod
    def none(cls) -> "_Looked":
        kinds = (np.int64, float, float, np.int64, float, bool, float, np.int64)
        return cls(*(np.empty(0, kind) for kind in kinds))


class Gate:
    """One gate: `decided` takes cases as the line decided them, `region` tells what is proven at a moment.

    `due` is the time in days after which a queue promises its answer: the age at which a decision counts.
    """

    def __init__(self, held_out: HeldOut, target: float, due: float) -> None:
        rows = one_a_group(held_out.subject.tolist(), default_rng(len(held_out.wrong)))
        measuring = np.arange(len(rows)) >= max(len(rows) * held_out.calibrating // len(held_out.wrong), 1)
        confidence, wrong = held_out.confidence[rows], held_out.wrong[rows]
        known = evidence_of(confidence[~measuring], confidence[measuring], wrong[measuring], wrong[~measuring])
        passed = np.where(held_out.kept[rows], np.nan, confidence)
        self.evidence = evidence_under(known, (), passed, np.zeros(len(rows), np.int64), wrong, measuring)
        self._target, self._due = target, due
        (series,) = series_of("line", "model@1", MaxError(target, CONFIDENCE), self.evidence, [])
        self.prover = series.prover()
        self._seen, self._revision = 0, 0
        self._threshold: float | None = -1.0
        self._verdicts, self._cases = _Looked.none(), _Looked.none()
        self._least: dict[int, float] = {}
        self._subjects = _Subjects(min(due, 1.0))
        self._broke_at: list[float] = []

    @property
    def held_out_region(self) -> float | None:
        """What held-out rows alone prove."""
        return threshold_for(self.evidence, self._target, CONFIDENCE)

    def decided(self, cases: Cases, automatic: Flags, looked: Flags, share: float) -> None:
        """Take decisions. People look at `looked`: at automatic ones with the probability `share`, at others surely."""
        slots = cases.at.astype(np.int64) * REVISIONS + self._revision
        for slot in np.unique(slots[automatic]).tolist():
            self._least[slot] = min(self._least.get(slot, 1.0), share)
        numbers = self._seen + np.arange(len(cases))
        self._seen += len(cases)
        every = _Looked(
            numbers,
            cases.at,
            cases.answered_after,
            cases.subject,
            cases.confidence,
            cases.answered_wrong,
            np.where(automatic, share, 1.0),
            slots,
        )
        added = every.chosen(looked & ~cases.kept)
        self._cases = self._cases + added
        self._verdicts = self._verdicts + added.chosen(np.isfinite(added.until_known))
        self._subjects.put(added)

    def region(self, now: float) -> float | None:
        """Return the proven threshold at a moment (days), from all that is known by then."""
        known, self._verdicts = _parted(self._verdicts, self._verdicts.at + self._verdicts.until_known, now)
        for some in _blocks(known):
            if self.prover.watch(self._batch(some, some.wrong, np.ones(len(some.at)))):
                self._broke_at.append(float(some.at.max()))
        aged, self._cases = _parted(self._cases, self._cases.at + self._due, now)
        for some in _blocks(aged):
            weights = self._subjects.weights(some, self._least)
            last = self._broke_at[-1] if self._broke_at else -np.inf
            for before in (True, False):
                which = (some.at <= last) == before
                part = some.chosen(which)
                if len(part.at):
                    wrong = part.wrong | (part.until_known > self._due)
                    self.prover.update(self._batch(part, wrong, weights[which]), before_break=before)
            del self._broke_at[self.prover.breaks :]
            if len(some.at) == AT_ONCE:
                self.prover.region()
        threshold = self.prover.region()
        if threshold != self._threshold:
            self._threshold, self._revision = threshold, self._revision + 1
        return threshold

    def last_known(self) -> float:
        """Return the moment at which nothing is left to become known."""
        verdicts = (self._verdicts.at + self._verdicts.until_known).max(initial=0.0)
        return float(max(verdicts, (self._cases.at + self._due).max(initial=0.0)))

    def share_wanted(self, declared: BlindAudit, automatic_a_day: float) -> float:
        """Return the share of audits that the platform would set."""
        needed = next((one.labels_needed for one in self.prover.curve() if not one.proven and one.labels_needed), None)
        return wanted_share(
            declared, suspicion=self.prover.suspicion, labels_needed=needed, automatic_a_day=automatic_a_day
        )

    def _batch(self, some: _Looked, wrong: Flags, weights: Floats) -> LabelBatch:
        floors = np.minimum(_floors(some, self._least) * weights, some.propensity)
        counted = floors > 0
        columns = (some.confidence, wrong.astype(float), some.propensity, floors)
        return LabelBatch(*(one[counted] for one in columns))


class _Subjects:
    """The cases of each subject in each interval, and what each stands for, as the evidence stream chooses it."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._clusters: dict[tuple[int, int], list[tuple[int, int, float]]] = defaultdict(list)
        self._weights: dict[int, float] = {}
        self._stood: dict[int, list[float]] = defaultdict(list)
        self._usual: dict[int, float] = {}

    def put(self, some: _Looked) -> None:
        """Note cases that people look at."""
        keys = zip(some.subject.tolist(), self._intervals(some), strict=True)
        cases = zip(some.number.tolist(), some.slot.tolist(), some.propensity.tolist(), strict=True)
        for key, case in zip(keys, cases, strict=True):
            self._clusters[key].append(case)

    def weights(self, some: _Looked, least: dict[int, float]) -> Floats:
        """Return what each case stands for; those of a subject are chosen when the first of them is due."""
        keys = zip(some.subject.tolist(), self._intervals(some), strict=True)
        for key in keys:
            cluster = self._clusters.pop(key, None)
            if cluster is not None:
                self._choose(cluster, key[1], least)
        return np.array([self._weights.pop(number) for number in some.number.tolist()])

    def _choose(self, cluster: Sequence[tuple[int, int, float]], interval: int, least: dict[int, float]) -> None:
        odds = {
            UUID(int=number): min(least.get(slot, 1.0), propensity) / propensity for number, slot, propensity in cluster
        }
        usual = self._usual_of(interval)
        if len(cluster) == 1 and usual == 1.0:  # it stands for itself
            ((number, slot, propensity),) = cluster
            self._weights[number] = 1.0
            self._stood[interval].append(min(least.get(slot, 1.0), propensity) / propensity)
            return
        for identifier, standing in standings(list(odds.items()), usual).items():
            self._weights[identifier.int] = standing.weight
            if standing.stands:
                self._stood[interval].append(standing.stands)

    def _usual_of(self, interval: int) -> float:
        if interval not in self._usual:
            before: list[float] = []
            for one in sorted((one for one in self._stood if one < interval), reverse=True):
                before += self._stood[one]
                if len(before) >= REMEMBERED:
                    break
            self._usual[interval] = usual_sum(before[:REMEMBERED])
        return self._usual[interval]

    def _intervals(self, some: _Looked) -> list[int]:
        found: list[int] = np.floor(some.at / self._interval).astype(int).tolist()
        return found


def _floors(some: _Looked, least: dict[int, float]) -> Floats:
    found = np.array([least.get(slot, 1.0) for slot in some.slot.tolist()])
    lowest: Floats = np.minimum(found, some.propensity)
    return lowest


def _parted(some: _Looked, moments: Floats, now: float) -> tuple[_Looked, _Looked]:
    """Part what has come by now, in its order, from the rest."""
    due = np.flatnonzero(moments <= now)
    if not len(due):
        return _Looked.none(), some
    return some.chosen(due[np.argsort(moments[due], kind="stable")]), some.chosen(moments > now)


def _blocks(some: _Looked) -> Iterator[_Looked]:
    for start in range(0, len(some.at), AT_ONCE):
        yield some.chosen(np.arange(start, min(start + AT_ONCE, len(some.at))))
