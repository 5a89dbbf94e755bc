"""Reading of proofs: the present proof and its reason, the curve of automatic share against risk, and the forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from andon import decisions, evidence, gates, models
from andon.authoring import RiskBound
from andon.evidence import LooksLately
from andon.gates import ArmRevisions, GateRevision, Part
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.plurals import plural
from andon.proofs import store
from andon.proofs.domain import ProvenRegion, SeriesKey, share_above
from andon.proofs.errors import NothingBounded, SeriesUnknown, TargetInvalid
from andon.proofs.proving import (
    KEPT,
    first_counting,
    held_out_of,
    labels_above,
    model_of,
    news_after,
    planned_shares,
    shares_of,
)
from andon.proofs.series import GateSeries, advance, series_of
from andon.proofs.wording import percent, stop_of
from andon.statistics.binomial import clean_labels_needed, labels_needed
from andon.statistics.gate_proofs import GateProver, StopReason

LATELY = timedelta(days=14)
"""The span of labels and decisions from which daily rates are taken."""


_WIDER = 0.005
"""The share of decisions that must become automatic for a wider region to be mentioned."""


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """One point of the curve: the share of decisions above a threshold, their error and its bound.

    `labels_needed` are the further labels above it that would prove it at the error so far; None if that is too high.
    `local_error` is the error of the decisions next to the threshold. `stopped_by` says why it is not proven.
    """

    threshold: float
    share: float
    error: float
    bound: float
    labels: int
    proven: bool
    labels_needed: int | None
    local_error: float
    stopped_by: StopReason | None

    @property
    def stop(self) -> str:
        """The reason in words; empty if it is proven."""
        return stop_of(self.stopped_by)


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """The curve of one series for one target. `threshold` is the proven one; None if nothing is proven.

    `highest` is the worst loss in the unit of the target: 1 for an error, the dearest mistake for a cost.
    """

    key: SeriesKey
    target: float
    declared: float
    confidence: float
    threshold: float | None
    points: tuple[RiskPoint, ...]
    labels: int
    highest: float

    @property
    def share(self) -> float:
        """The share of decisions that is proven for the target."""
        return 0.0 if self.proven is None else self.proven.share

    @property
    def proven(self) -> RiskPoint | None:
        """The point that is proven."""
        return next((point for point in self.points if point.threshold == self.threshold), None)

    @property
    def sentence(self) -> str:
        """What is proven for its target, from how many labels."""
        said = percent if self.highest == 1 else "{:.3g}".format
        at = self.proven
        labels = plural(self.labels, "label")
        wider = [point for point in self.points if point.stop and (at is None or point.threshold < at.threshold)]
        tested = next((point for point in wider if point.stopped_by is not StopReason.UNTESTED), None)
        if at is None:
            why = "" if tested is None else f": {tested.stop}"
            return f"Target {said(self.target)}: nothing is proven, by {labels}{why}."
        why = "" if tested is None else f" Nothing wider: {tested.stop}."
        return (
            f"Target {said(self.target)}: {at.share:.0%} automatic from a confidence of {at.threshold:.4f}, "
            f"error {said(at.error)}, at most {said(at.bound)} with {self.confidence:.0%} confidence; {labels}.{why}"
        )


@dataclass(frozen=True, slots=True)
class ForecastStep:
    """The labels and days that one wider region takes: labels above its threshold, and days at the present rate."""

    threshold: float
    share: float
    error: float
    labels_needed: int | None
    labels_a_day: float
    days: float | None


@dataclass(frozen=True, slots=True)
class GateForecast:
    """The forecast of one series: further labels for each wider region, the widest last.

    `clean_labels` prove the target from scratch if none is wrong; `labels_at_error` give even odds at the present
    error. Decisions that somebody looked at count when they are so old; `looks` counts those of the whole arm lately.
    """

    key: SeriesKey
    target: float
    confidence: float
    share: float
    clean_labels: int
    labels_at_error: int | None
    error: float
    decisions_a_day: float
    labels_a_day: float
    age_seconds: float
    looks: LooksLately
    steps: tuple[ForecastStep, ...]

    @property
    def sentence(self) -> str:
        """What is automatic, and how many labels and days the next wider region takes."""
        rate = f"{self.labels_a_day:,.0f} labels a day" if self.labels_a_day else "no recent labels"
        present = f"{self.share:.0%} of the decisions are proven automatic; {rate}."
        fewest = f"{percent(self.target)} needs {self.clean_labels:,} labels without an error"
        if self.labels_at_error is not None and self.error > 0:
            fewest += f", about {self.labels_at_error:,} at the current error of {percent(self.error)}"
        wider = [step for step in self.steps if step.share - self.share >= _WIDER]
        reachable = [step for step in wider if step.labels_needed is not None]
        if not reachable:
            return f"{present} {fewest}." + (" No wider region has a low enough error." if wider else "")
        step = reachable[0]
        days = "no date: no labels arrive" if step.days is None else f"about {_days(step.days)} at the current rate"
        return f"{present} {fewest}. {step.share:.0%} automatic takes {step.labels_needed:,} more labels, {days}."

    @property
    def looks_sentence(self) -> str:
        """When labels count, how many decisions were open then, and whether labels repeat subjects."""
        looks = self.looks
        said = f"A verdict counts when its decision is {_span(self.age_seconds)} old"
        if looks.open:
            said += f"; {looks.open:,} of {looks.aged:,} reviews and audits were still open then, and count as wrong"
        said += f"; {looks.waiting:,} wait for it." if looks.waiting else "."
        if looks.counted < looks.labels:
            said += (
                f" {plural(looks.labels, 'label')} are of {plural(looks.subjects, 'subject')}: "
                f"{looks.counted:,} count, one of a subject in each interval."
            )
        return said


@dataclass(frozen=True, slots=True)
class GateAccount:
    """The account of one series: the revision in force, the present proof, and the gate after its expiry."""

    key: SeriesKey
    in_force: GateRevision
    otherwise: GateRevision
    proof: ProvenRegion | None
    sentence: str
    labelled_at: datetime | None

    @property
    def where(self) -> str:
        """The part of the line, in words; empty for all of it."""
        return gates.shown_part(self.key.segment, self.key.predicted)


def curve(
    tx: Tx,
    automation: str,
    *,
    now: datetime,
    arm: str | None = None,
    part: Part = gates.WHOLE,
    target: float | None = None,
) -> RiskCurve:
    """Return the curve for the declared target, or what the same labels prove for another one.

    Raises NothingBounded, SeriesUnknown, TargetInvalid.
    """
    series = _series(tx, automation, arm, part, now)
    if target is None:
        return _curve(tx, series, _prover(tx, series), series.target, now)
    if not 0 < target < series.risk.highest:
        message = f"Expected a target between 0 and {series.risk.highest:g}, got {target:g}"
        raise TargetInvalid(message, faults=[Fault("target", message)])
    return _curve(tx, series, _seen_by(tx, series, target), target, now)


def forecast(
    tx: Tx, automation: str, *, now: datetime, arm: str | None = None, part: Part = gates.WHOLE
) -> GateForecast:
    """Return how many labels and days it takes to prove more. Raises NothingBounded, SeriesUnknown."""
    series = _series(tx, automation, arm, part, now)
    found = _curve(tx, series, _prover(tx, series), series.target, now)
    labels = evidence.labels_since(tx, automation, series.key.arm, now - LATELY)
    days, decided, _ = evidence.daily(tx, automation, series.key.arm, (now - LATELY).date())
    days, scale = max(1, days), series.risk.highest
    here = found.proven or next(iter(found.points), None)
    error = 0.0 if here is None else here.error
    steps = []
    for point in found.points:
        if point.proven:
            continue
        a_day = sum(count for confidence, count in labels if confidence >= point.threshold - 0.01) / days
        needed = point.labels_needed
        within = needed / a_day if needed is not None and a_day else None
        steps.append(ForecastStep(point.threshold, point.share, point.error, needed, a_day, within))
    return GateForecast(
        key=series.key,
        target=series.target,
        confidence=series.risk.confidence,
        share=found.share,
        clean_labels=clean_labels_needed(series.target / scale, series.risk.confidence),
        labels_at_error=labels_needed(series.target / scale, series.risk.confidence, error / scale),
        error=error,
        decisions_a_day=decided / days,
        labels_a_day=sum(count for _, count in labels) / days,
        age_seconds=evidence.age_of(tx, automation).total_seconds(),
        looks=evidence.looks_since(tx, automation, series.key.arm, now - LATELY),
        steps=tuple(steps),
    )


def explain(tx: Tx, automation: str, *, now: datetime, arm: str | None = None) -> list[GateAccount]:
    """Return the account of each part of an arm that has its own gate. Raises NothingBounded, SeriesUnknown."""
    risk, arm = _bound(tx, automation), _arm(tx, automation, arm, now)
    there, saved = gates.arm_revisions(tx, automation, arm, now), store.saved(tx, automation, arm)
    found = []
    for part in sorted(there.parts, key=lambda part: (str(part[0] or ""), part[1])):
        one = there.in_force(part, now)
        if one is None:
            continue
        key = SeriesKey(automation, arm, _segment(risk, part), part[1])
        kept, otherwise = saved.get(key.part), there.without_renewal(part, now) or one
        proof, labelled_at = (None, None) if kept is None else (kept.proof, kept.labelled_at)
        found.append(GateAccount(key, one, otherwise, proof, one.sentence, labelled_at))
    return found


def _span(seconds: float) -> str:
    """Return a span in the largest unit that divides it: `2 days`, `15 minutes`."""
    seconds = round(seconds)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            return plural(seconds // length, unit)
    return plural(seconds, "second")


def _days(days: float) -> str:
    whole = max(1, round(days))
    return "1 day" if whole == 1 else f"{whole:,} days"


def suspicion_of(tx: Tx, key: SeriesKey) -> float:
    """Return how near the detector of a series is to its alarm, from 0 to 1."""
    kept = store.saved(tx, key.automation, key.arm).get(key.part)
    return 0.0 if kept is None else kept.proof.suspicion


def part_named(
    tx: Tx, automation: str, value: str | None, predicted: str, *, now: datetime, arm: str | None = None
) -> Part:
    """Return a part of a line from a typed value and a class. Raises NothingBounded, SeriesUnknown."""
    if value is None:
        return None, predicted
    _bound(tx, automation)
    return gates.arm_revisions(tx, automation, _arm(tx, automation, arm, now), now).value_of(value), predicted


def _curve(tx: Tx, series: GateSeries, prover: GateProver, target: float, now: datetime) -> RiskCurve:
    shares, scale = shares_of(tx, series, now) or planned_shares(series), series.risk.highest
    points = tuple(
        RiskPoint(
            one.threshold,
            share_above(shares, one.threshold),
            one.error * scale,
            one.bound * scale,
            one.labels,
            one.proven,
            one.labels_needed,
            one.local_error * scale,
            one.stopped_by,
        )
        for one in prover.curve()
    )
    labels, _ = labels_above(tx, series.key, 0.0, None)
    return RiskCurve(
        series.key, target, series.target, series.risk.confidence, prover.prove().threshold, points, labels, scale
    )


def _prover(tx: Tx, series: GateSeries) -> GateProver:
    """Return the saved prover, or one without labels if none was saved for this bound."""
    kept = store.saved(tx, series.key.automation, series.key.arm).get(series.key.part)
    if kept is None or kept.bound != series.bound:
        return series.prover()
    return GateProver.from_json(kept.state["prover"])


def _seen_by(tx: Tx, series: GateSeries, target: float) -> GateProver:
    """Return a prover of another target that has seen the same labels."""
    automation, arm = series.key.automation, series.key.arm
    prover = series.prover(target)
    news, _ = news_after(tx, automation, arm, first_counting(tx, automation, arm), 2 * KEPT)
    advance(prover, series, news)
    return prover


def _series(tx: Tx, automation: str, arm: str | None, part: Part, now: datetime) -> GateSeries:
    risk, arm = _bound(tx, automation), _arm(tx, automation, arm, now)
    if part[0] is not None and risk.by is None:
        raise SeriesUnknown.of("value", f"{automation} declares no gates by the values of a field")
    if part[1] and part[1] not in risk.targets:
        raise SeriesUnknown.of("predicted", f"{automation} declares no bound of its own for the class {part[1]!r}")
    segment = _segment(risk, part)
    known = series_of(automation, arm, risk, held_out_of(tx, automation, arm), [dict(segment)] if segment else [])
    return next(one for one in known if one.key == SeriesKey(automation, arm, segment, part[1]))


def _segment(risk: RiskBound, part: Part) -> dict[str, str | int | float | bool]:
    return dict(gates.segment_of_part(risk.by, part))


def _bound(tx: Tx, automation: str) -> RiskBound:
    newest = decisions.newest_version(tx, automation)
    release = decisions.released(tx, automation)
    risk = decisions.bound_of(newest if release is None else decisions.version(tx, automation, release.version))
    if risk is None:
        raise NothingBounded(f"{automation} declares no bound: Automation(..., risk=MaxError(0.01))")
    return risk


def _arm(tx: Tx, automation: str, named: str | None, now: datetime) -> str:
    """Return the arm that is meant: the named one, or the champion's with the most decisions since LATELY.

    Without a champion, any such arm counts; where none decided, the newest does. Raises SeriesUnknown.
    """
    if named:
        if not gates.arm_revisions(tx, automation, named, now).held_out:
            raise SeriesUnknown.of("arm", f"{automation} has no gate of an arm {named!r}")
        return named
    living: Mapping[str, ArmRevisions] = gates.living(tx, now).get(automation, {})
    since = (now - LATELY).date()
    counted: Sequence[tuple[bool, int, int, str]] = [
        (_is_champion(tx, arm), evidence.daily(tx, automation, arm, since)[1], there.held_out[""].revision, arm)
        for arm, there in living.items()
        if "" in there.held_out and there.own is None
    ]
    if not counted:
        raise SeriesUnknown(f"{automation} has no gate yet: the first gateway or worker that loads it makes one")
    return max(counted)[3]


def _is_champion(tx: Tx, arm: str) -> bool:
    version = model_of(tx, arm)
    return any(
        one.alias == models.CHAMPION and one.number == version.number for one in models.list_aliases(tx, version.name)
    )
