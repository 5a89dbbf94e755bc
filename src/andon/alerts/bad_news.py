"""Events of lower slices as alerts: which of them are bad news, how serious they are, and what ends them. Pure."""

from datetime import UTC, date, datetime, timedelta

from andon.actions import ActionsDied
from andon.alerts.domain import AlertKey, BadNews
from andon.authoring import OTHER_ALERTS
from andon.features import ExpectationBreached
from andon.gates import NOTHING, GateRevised, Origin
from andon.kernel.plurals import plural
from andon.models import QuarantineLifted, VersionQuarantined
from andon.monitors import Level, MonitorBreached, MonitorRecovered
from andon.spending import BudgetNearlySpent, BudgetUsedUp

GATE, BUDGET, DELIVERIES, EXPECTATIONS = OTHER_ALERTS
"""Names under which events that no monitor watches become alerts."""

ROLLOUT = "rollout"
"""Name of alerts about candidates that were rolled back."""

QUARANTINE = "quarantine"
"""Name of alerts about model versions that ended a process."""

OVER_ONCE_KNOWN = frozenset({ROLLOUT})
"""Alerts about one-time events that are already corrected: acknowledging one ends it."""

BREACHES = 10
"""Decisions within BREACHES_WITHIN that must see an unexpected value to raise an alert; a single odd value does not."""

BREACHES_WITHIN = timedelta(minutes=10)

BREACHES_OVER = timedelta(minutes=30)
"""An expectation holds again after this long without a breach."""


def of_breach(breach: MonitorBreached) -> BadNews:
    """Return the news of a breach that a monitor found."""
    return BadNews(
        automation=breach.automation,
        monitor=breach.monitor,
        series=breach.series,
        segment=breach.segment,
        level=Level.WARNING if breach.provisional else breach.level,
        since=breach.since,
        message=breach.message,
        arm=breach.arm,
        expected=breach.expected,
        observed=breach.observed,
        unit=breach.unit,
        false_alarm=breach.false_alarm,
        decisions=breach.decisions,
        detail=breach.detail,
        gathered=True,
        provisional=breach.provisional,
    )


def key_of_recovery(recovered: MonitorRecovered) -> AlertKey:
    """Return the key of the alert that a recovery ends."""
    return AlertKey(recovered.automation, recovered.monitor, "", recovered.segment, arm=recovered.arm)


def of_deaths(died: ActionsDied) -> BadNews:
    """Return the news of dead letters of one destination."""
    what = "action was" if died.count == 1 else "actions were"
    return BadNews(
        automation=died.automation,
        monitor=DELIVERIES,
        series=died.destination,
        segment={},
        level=Level.WARNING,
        since=died.at,
        message=f"{died.count} {what} given up at {died.destination}",
        observed=float(died.count),
        unit="actions",
        detail={"actions": [str(one) for one in died.ids]},
    )


def of_expectation(breached: ExpectationBreached, decisions: int) -> BadNews | None:
    """Return the news of a value that repeatedly breaches an expectation; None while few decisions saw it."""
    if decisions < BREACHES:
        return None
    minutes = BREACHES_WITHIN.total_seconds() / 60
    return BadNews(
        automation=breached.automation,
        monitor=EXPECTATIONS,
        series=breached.name,
        segment={},
        level=Level.WARNING,
        since=breached.at - BREACHES_WITHIN,
        message=f"{breached.name} was not as expected in {plural(decisions, 'decision')} within {minutes:.0f} minutes",
        expected=0.0,
        observed=float(decisions),
        unit="decisions",
        decisions=decisions,
        ends_at=breached.at + BREACHES_OVER,
    )


def of_budget(event: BudgetNearlySpent | BudgetUsedUp) -> BadNews:
    """Return the news of a budget that is nearly or fully spent; it ends with the period."""
    spent = isinstance(event, BudgetUsedUp)
    what = "is spent: fallbacks decide" if spent else "is nearly spent"
    return BadNews(
        automation=event.automation,
        monitor=BUDGET,
        series=event.per,
        segment={},
        level=Level.CRITICAL if spent else Level.WARNING,
        since=event.at,
        message=f"The budget of this {event.per} {what} ({event.spent} of {event.amount} {event.currency})",
        expected=float(event.amount),
        observed=float(event.spent),
        unit=event.currency,
        ends_at=_end_of(event.per, event.starts_on),
    )


def of_gate(revised: GateRevised) -> BadNews | None:
    """Return the news of a gate narrowed by evidence; None for a first, manual or widening revision."""
    before, key = revised.threshold_before, key_of_gate(revised)
    if before is None or revised.origin is Origin.PERSON or revised.threshold <= before:
        return None
    nothing = revised.threshold >= NOTHING
    after = "nothing is automatic" if nothing else f"a confidence of {revised.threshold:.4g} is needed"
    return BadNews(
        automation=revised.automation,
        monitor=GATE,
        series=key.series,
        segment=key.segment,
        level=Level.CRITICAL if nothing else Level.WARNING,
        since=revised.at,
        message=f"The risk gate of {key.series} became narrower: {after}, {before:.4g} before. {revised.reason}",
        arm=revised.arm,
        expected=before,
        observed=revised.threshold,
        unit="confidence",
        detail={"revision": revised.revision, "target": revised.target},
        done=(f"The risk gate was narrowed: {after} from revision {revised.revision} on",),
    )


def key_of_gate(revised: GateRevised) -> AlertKey:
    """Return the key of the alert about a gate: its arm, and its segment and predicted class, if any."""
    about = revised.data()
    predicted = f" for {about['predicted']}" if about.get("predicted") else ""
    return AlertKey(revised.automation, GATE, revised.arm + predicted, about.get("segment") or {})


def _end_of(per: str, starts_on: date) -> datetime:
    """Return the end of a budget's period."""
    if per == "day":
        after = starts_on + timedelta(days=1)
    else:
        after = (starts_on.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime(after.year, after.month, after.day, tzinfo=UTC)


def of_quarantine(held: VersionQuarantined, automation: str) -> BadNews:
    """Return the news of a version that an automation might use and that ended the process in which it was tried."""
    return BadNews(
        automation=automation,
        monitor=QUARANTINE,
        series=f"{held.model} {held.version}",
        segment={},
        level=Level.CRITICAL,
        since=held.at,
        message=f"Version {held.version} of {held.model} is in quarantine: {held.reason}",
        detail={"digest": held.digest},
    )


def key_of_quarantine(lifted: QuarantineLifted, automation: str) -> AlertKey:
    """Return the key of the alert that a release from quarantine ends."""
    return AlertKey(automation, QUARANTINE, f"{lifted.model} {lifted.version}", {})
