"""Recent figures of a line, the basis of forecasts before a rollout has its own counts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, floor, log
from uuid import UUID

import numpy as np

from andon import decisions, evidence, labels, measures, monitors, policies, serving
from andon.authoring import RATE_GUARDRAILS, ServiceLevel
from andon.decisions import LATENCY_BAND, DecisionFilter, DecisionTally
from andon.kernel.db import Tx
from andon.kernel.ids import time_of
from andon.rollouts.declared import audit_share_of, slow_us
from andon.rollouts.evidence import (
    GuardrailEvent,
    PlacedDecision,
    events_of,
    is_first,
    override_of,
)
from andon.rollouts.guardrails import GuardrailKind, WatchedGuardrail, of_measures
from andon.rollouts.measuring import computed
from andon.serving import Candidate, arm_of
from andon.statistics.means import Moments
from andon.statistics.quantile_sequences import GROWTH, GrowingBins
from andon.trials import CASES, DeclaredMeasures, class_known, verdict_of

TODAY = timedelta(hours=24)
LOOKED_BACK = timedelta(days=7)
LABELS_BACK = timedelta(days=30)
"""The span searched for labels and reports, which arrive late."""

SAMPLED = 500
"""The most decisions whose own values are read."""

SLICES, IN_SLICE, DECIDED_IN_SLICE = 6, 150, 10_000
"""Parts of LABELS_BACK that are looked at; labelled decisions read of each; decisions in each, at most."""

_STEP = timedelta(minutes=5)
_HOUR = timedelta(hours=1)
_EVEN = 0.5


@dataclass(frozen=True, slots=True)
class RecentValues:
    """Values of one guardrail: their moments, and how many there are for each decision of the line."""

    moments: Moments
    part: float = 1.0

    @property
    def variation(self) -> float:
        """The standard deviation as a share of the mean; infinite where the mean is 0."""
        return self.moments.deviation / abs(self.moments.mean) if self.moments.mean else float("inf")


@dataclass(frozen=True, slots=True)
class RecentLine:
    """The line recently: decisions per hour, rates by decision, values, latencies, and guardrails with labels."""

    an_hour: float
    rates: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, RecentValues] = field(default_factory=dict)
    latencies: GrowingBins = field(default_factory=GrowingBins)
    labelled: frozenset[str] = frozenset()
    age_hours: float = 0.0
    """The age at which decisions count as cases."""


def recent_line(
    tx: Tx, automation: str, guardrails: Sequence[WatchedGuardrail], service: ServiceLevel, now: datetime
) -> RecentLine:
    """Read the champion's recent decisions, and what is known about them by now."""
    found = [t for t in decisions.tallies(tx, since=now - TODAY, until=now, step=_STEP) if t.automation == automation]
    count = sum(one.decisions for one in found)
    if not count:
        return RecentLine(0.0)
    an_hour = count / max((now - found[0].at) / _HOUR, _STEP / _HOUR)
    slowest = log(slow_us(service)) / log(LATENCY_BAND)
    slow = sum(n for one in found for band, n in one.latencies.items() if band >= slowest)
    rates = {"slow": slow / count, "errors": _errors(tx, automation, now)}
    sample = _Sample(tx, automation, now, an_hour)
    values = sample.decided(of_measures(guardrails), slow_us(service))
    known, labelled = sample.labelled(of_measures(guardrails))
    values |= known | sample.reported(of_measures(guardrails))
    for name in RATE_GUARDRAILS:
        if name in values:
            rates[name] = values[name].moments.mean * values[name].part
    means = {one.name for one in guardrails if one.kind is GuardrailKind.MEAN}
    return RecentLine(
        an_hour,
        rates,
        {name: one for name, one in values.items() if name in means},
        _latencies(found),
        labelled,
        evidence.age_of(tx, automation) / _HOUR,
    )


class _Sample:
    """Samples of one automation's decisions."""

    def __init__(self, tx: Tx, automation: str, now: datetime, an_hour: float) -> None:
        self._tx, self._automation, self._now, self._an_hour = tx, automation, now, an_hour
        self._measures = DeclaredMeasures()

    def decided(self, wanted: Sequence[str], slow: float) -> dict[str, RecentValues]:
        """Return the values that decisions give by themselves."""
        tx, arm = self._tx, self._arm()
        which = DecisionFilter(automation=self._automation, arm=arm, since=self._now - TODAY)
        rows = decisions.page(tx, which, limit=SAMPLED) if arm else []
        events: list[GuardrailEvent] = []
        for item in decisions.items_of(tx, [row.id for row in rows]):
            of = PlacedDecision(item.id, item.id.bytes, False, _EVEN)
            events += events_of(item, item.read(), of, slow)
            events += computed(self._measures, tx, item, of, wanted, None)
        found = _values(events, len(rows), 1.0)
        return {name: one for name, one in found.items() if name not in RATE_GUARDRAILS}

    def labelled(self, wanted: Sequence[str]) -> tuple[dict[str, RecentValues], frozenset[str]]:
        """Return the values that labels of decisions give, and the guardrails with any label."""
        tx, ids, number = self._tx, list[UUID](), 0
        for since, until in self._slices():
            some, count = labels.labelled_in(tx, self._automation, since, until, limit=IN_SLICE)
            ids, number = [*ids, *some], number + count
        if not ids:
            return {}, frozenset()
        rows, items = decisions.rows_of(tx, ids), {item.id: item for item in decisions.items_of(tx, ids)}
        valid, said = labels.valid_of(tx, list(rows.values()), self._now), labels.said_of(tx, ids)
        share = audit_share_of(tx, self._automation)
        events: list[GuardrailEvent] = []
        speaks: set[str] = set()
        for key, row in rows.items():
            of = PlacedDecision(key, key.bytes, False, _EVEN)
            known, verdict = valid.get(key), verdict_of(said.get(key, ()))
            label = class_known(known)
            if verdict is not None:
                speaks.add("overrides")
            events += override_of(row, of, verdict)
            if known is not None and row.label is not None and row.confidence is not None:
                speaks.add("wrong")
                thinned = min(share / known.probability, 1.0) if share else 1.0
                right = float(known.value == row.label)
                events.append(GuardrailEvent("wrong", CASES, of, thinned * (1.0 - right)))
                events.append(GuardrailEvent("calibration", CASES, of, (row.confidence - right) ** 2))
            if label is not None:
                events += computed(self._measures, tx, items[key], of, wanted, label)
        return _values(events, len(rows), self._part(number, min(map(time_of, ids)))), frozenset(speaks)

    def reported(self, wanted: Sequence[str]) -> dict[str, RecentValues]:
        """Return the values that other systems report about decisions."""
        found = {}
        for name in wanted:
            values, number = dict[UUID, float](), 0
            for since, until in self._slices():
                some, count = measures.reported_in(self._tx, self._automation, name, since, until, limit=IN_SLICE)
                values, number = {**values, **some}, number + count
            if values:
                part = self._part(number, min(map(time_of, values)))
                found[name] = RecentValues(Moments.of(np.array(list(values.values()), float)), part)
        return found

    def _slices(self) -> list[tuple[datetime, datetime]]:
        """Return spans in which to search for labels: short ones on a busy line, so that each takes little time."""
        apart = LABELS_BACK / SLICES
        width = min(apart, DECIDED_IN_SLICE / self._an_hour * _HOUR)
        ends = [self._now - apart * number for number in range(SLICES)]
        return [(end - width, end) for end in ends]

    def _part(self, number: int, first: datetime) -> float:
        """Return the share of decisions with a known value, from the first such decision on."""
        hours = sum(max((end - max(start, first)) / _HOUR, 0.0) for start, end in self._slices())
        return min(number / max(hours, _STEP / _HOUR) / self._an_hour, 1.0)

    def _arm(self) -> str:
        """Return the arm that decides now; empty if none does."""
        deployed = decisions.version_in_force(self._tx, self._automation)
        in_force = policies.in_force(self._tx, self._automation)
        if deployed is None or in_force is None:
            return ""
        model = deployed.description["model"]
        champion = serving.champion_of(self._tx, model)
        return "" if champion is None else arm_of(model, Candidate(champion), in_force=in_force.version)


def _values(events: Sequence[GuardrailEvent], among: int, part: float) -> dict[str, RecentValues]:
    """Return the moments of each guardrail's values; for events, whether each first decision has one."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in events:
        if one.guardrail not in RATE_GUARDRAILS or is_first(one) or one.once == CASES:
            found[one.guardrail].append(one.value)
    return {
        name: RecentValues(Moments.of(np.array(some, float)), part * len(some) / among) for name, some in found.items()
    }


def _latencies(tallied: Sequence[DecisionTally]) -> GrowingBins:
    """Return the latencies of all decisions, in seconds; those of a band are spread evenly over it."""
    counts: dict[int, float] = defaultdict(float)
    for one in tallied:
        for band, count in one.latencies.items():
            low, high = (edge * log(LATENCY_BAND) - log(1e6) for edge in (band, band + 1))
            first, last = floor(low / log(GROWTH)) + 1, ceil(high / log(GROWTH))
            for at in range(first, last + 1):
                counts[at] += count / (last - first + 1)
    first, last = min(counts), max(counts)
    below = np.rint(np.cumsum([0.0, *(counts.get(at, 0.0) for at in range(first, last + 1))]))
    return GrowingBins(first, tuple(np.diff(below).astype(int).tolist()))


def _errors(tx: Tx, automation: str, now: datetime) -> float:
    """Return the share of decisions that failed recently, by the monitors."""
    points = monitors.trend(tx, automation, "errors", now=now, since=now - LOOKED_BACK)
    count = sum(one.decisions for one in points)
    failed = sum((one.values.get("failed") or 0.0) * one.decisions for one in points)
    return failed / count if count else 0.0
