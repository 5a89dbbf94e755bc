"""The alert about a rollback, raised in the rollback's own transaction: exactly once, whatever is killed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from andon import alerts
from andon.alerts import ROLLOUT, AlertKey, BadNews
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.monitors import Level
from andon.rollouts.domain import Rollout


def alert_of_rollback(
    tx: Tx, rollout: Rollout, reason: str, evidence: Mapping[str, Any], *, events: Events, now: datetime
) -> None:
    """Raise the alert. Call this before anything is audited, since locks are taken in one order."""
    harm = "guardrail" in evidence
    news = BadNews(
        automation=rollout.automation,
        monitor=ROLLOUT,
        series="",
        segment={},
        level=Level.WARNING,
        since=rollout.stage_at,
        message=f"Rollout {rollout.number} of {rollout.arm} was rolled back: {reason}",
        arm=rollout.arm,
        false_alarm=rollout.plan.harm if harm else None,
        decisions=len(evidence.get("decisions", ())),
        detail={"rollout": rollout.number, **evidence},
        done=(f"All traffic goes to {rollout.control} again",),
    )
    alerts.raise_alert(tx, news, events=events, now=now)


def end_alert(tx: Tx, rollout: Rollout, *, events: Events, now: datetime) -> None:
    """End the alert about the automation's last rollout: the next one starts."""
    key = AlertKey(rollout.automation, ROLLOUT, "", {})
    alerts.recover(tx, key, message=f"Rollout {rollout.number} was started", events=events, now=now)
