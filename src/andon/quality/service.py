"""The quality of a line, read from the slices that own its parts."""

from datetime import datetime, timedelta
from itertools import groupby

from andon import alerts, cord, decisions, measures, monitors, proofs, reviews
from andon.alerts import AlertSelection
from andon.cord import LineState
from andon.kernel.db import Tx
from andon.monitors import MonitorState
from andon.quality.domain import AuditStanding, LineQuality, MonitorStanding
from andon.reviews import AuditCounts, ReviewFilter

RECENT = timedelta(days=1)
MEASURED = timedelta(days=30)
SHOWN = 20
"""The most alerts and incidents in a summary."""


def line_quality(tx: Tx, automation: str, now: datetime) -> LineQuality:
    """Return the present quality of a line. Raises AutomationNotFound."""
    deployed = decisions.newest_version(tx, automation)
    changes = cord.in_force(tx, automation)
    stats = decisions.stats(tx, now - RECENT, now, [automation])
    accounts, forecast, unbounded = _proven(tx, automation, now)
    series = sorted(monitors.status(tx, automation, now), key=lambda one: one.monitor)
    standings = [MonitorStanding(name, tuple(own)) for name, own in groupby(series, key=lambda one: one.monitor)]
    wanted = AlertSelection((automation,), automation, states=alerts.UNRESOLVED)
    return LineQuality(
        automation=automation,
        version=deployed.number,
        at=now,
        state=next((change.after for change in changes if not change.segment), LineState.AUTOMATIC),
        changes=changes,
        decisions=stats.decisions,
        automatic=stats.automatic,
        gates=accounts,
        forecast=forecast,
        unbounded=unbounded,
        monitors=sorted(standings, key=lambda one: (-one.state.severity, one.state is MonitorState.SILENT)),
        alerts=alerts.page(tx, wanted, limit=SHOWN),
        incidents=alerts.list_incidents(tx, [automation], is_open=True, limit=SHOWN),
        audits=_audits(tx, automation, now),
        measures=measures.sums(tx, automation, (now - MEASURED).date(), now.date()),
    )


def _proven(tx: Tx, automation: str, now: datetime) -> tuple[list[proofs.GateAccount], str | None, str | None]:
    """Return the gates, the forecast, and the reason where there are none."""
    try:
        accounts = proofs.explain(tx, automation, now=now)
        return accounts, proofs.forecast(tx, automation, now=now).sentence, None
    except (proofs.NothingBounded, proofs.SeriesUnknown) as error:
        return [], None, str(error)


def _audits(tx: Tx, automation: str, now: datetime) -> AuditStanding:
    try:
        share: float | None = decisions.audits_of(tx, automation).share
    except decisions.AuditsNotDeclared:
        share = None
    counts = reviews.audit_counts(tx, automation).get(automation, AuditCounts())
    waiting = reviews.count(tx, ReviewFilter(automations=(automation,), blind=True), now=now)
    return AuditStanding(share, waiting, counts.agreed, counts.disagreed)
