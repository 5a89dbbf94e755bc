"""The risk gate as the product runs it, for `script/bench nature`: decisions and verdicts in, the proven region out.

What needs no database is the product's own code: which case stands for its subject, and how a proof takes news. A
verdict is news as soon as it is known, and a case when its decision reaches its age; what is still open then counts as
wrong.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from andon.authoring import BlindAudit, MaxError
from andon.evidence import AgedCase
from andon.evidence.collecting import REMEMBERED
from andon.evidence.judging import standings, usual_sum
from andon.models.measuring import one_a_group
from andon.models.risk import evidence_of, evidence_under, threshold_for
from andon.proofs.domain import GateNews
from andon.proofs.series import advance, series_of
from andon.proofs.sharing import wanted_share
from benchmarks.nature_worlds import Cases, Flags, Floats, HeldOut

CONFIDENCE = 0.95
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
RIGHT, WRONG = "right", "wrong"
REVISIONS = 10_000
"""More revisions of a gate than any run has: a day and a revision together make one number."""

_NOBODY = UUID(int=0)
"""The id of every decision: proofs do not read it."""


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
        (self._series,) = series_of("line", "model@1", MaxError(target, CONFIDENCE), self.evidence, [])
        self.prover = self._series.prover()
        self._seen, self._revision = 0, 0
        self._threshold: float | None = -1.0
        self._verdicts, self._cases = _Looked.none(), _Looked.none()
        self._least: dict[int, float] = {}
        self._subjects = _Subjects(min(due, 1.0))
        self._broke_at: list[datetime] = []

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
        aged, self._cases = _parted(self._cases, self._cases.at + self._due, now)
        news = self._news(known, np.ones(len(known.at)), verdicts=True)
        news += self._news(aged, self._subjects.weights(aged, self._least), verdicts=False)
        if news:
            news.sort(key=lambda one: (one.position, not one.is_verdict))
            self._broke_at = advance(self.prover, self._series, news, self._broke_at)
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

    def _news(self, some: _Looked, weights: Floats, *, verdicts: bool) -> list[GateNews]:
        """Return cases as the evidence stream gives them to proofs: at once as verdicts, or at their age."""
        moments = some.at + (some.until_known if verdicts else self._due)
        wrong = some.wrong if verdicts else some.wrong | (some.until_known > self._due)
        columns = (moments, some.at, some.confidence, wrong, some.propensity, _floors(some, self._least), weights)
        rows = zip(*(one.tolist() for one in columns), strict=True)
        return [
            GateNews(_milliseconds(moment), _case(at, confidence, propensity, floor, weight, wrong=is_wrong), verdicts)
            for moment, at, confidence, is_wrong, propensity, floor, weight in rows
            if floor * weight > 0
        ]


def _case(at: float, confidence: float, propensity: float, floor: float, weight: float, *, wrong: bool) -> AgedCase:
    return AgedCase(
        decision_id=_NOBODY,
        automation="line",
        arm="model@1",
        segment={},
        subject=None,
        predicted=RIGHT,
        actual=WRONG if wrong else RIGHT,
        confidence=confidence,
        propensity=propensity,
        floor=floor,
        part_floor=floor,
        weight=weight,
        automatic=propensity < 1.0,
        audited=propensity < 1.0,
        gated=True,
        decided_at=EPOCH + timedelta(days=at),
    )


def _milliseconds(days: float) -> int:
    return round(days * 86_400_000)


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
