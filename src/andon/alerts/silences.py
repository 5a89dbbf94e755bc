"""Silences: which alerts are stored and shown, but not sent, until when and why. Pure values and rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from andon.alerts.domain import Alert, AlertFinding
from andon.alerts.errors import SilenceInvalid
from andon.cord import Scalar
from andon.kernel import reasons
from andon.kernel.errors import Fault

LONGEST = timedelta(days=90)
"""The longest silence. Beyond this, change the monitor."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """The alerts that a silence covers. A field that is None fits everything; `segment` fits only this segment."""

    automation: str | None = None
    monitor: str | None = None
    series: str | None = None
    segment: Mapping[str, Scalar] | None = None

    def fits(self, alert: Alert, finding: AlertFinding) -> bool:
        """Return whether a finding is covered. Alerts of drills never are, as they are not sent anyway."""
        return alert.drill is None and all(
            wanted is None or wanted == given
            for wanted, given in (
                (self.automation, alert.automation),
                (self.monitor, alert.monitor),
                (self.series, finding.series),
                (self.segment, alert.segment),
            )
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence: alerts that are not sent for a while, its author and reason."""

    id: UUID
    which: Silenced
    reason: str
    made_by: str
    made_at: datetime
    ends_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Return whether it is in force at a moment."""
        return self.ended_at is None and now < self.ends_at


def silence_of(alert: Alert, silences: Sequence[Silence], now: datetime, *, unsent: bool = False) -> Silence | None:
    """Return the silence that holds back an alert; None unless each of its findings, or `unsent` ones, is covered.

    A finding is covered by its silence that ends last, the alert by the first of these to end.
    """
    holding = [silence for silence in silences if silence.holds(now)]
    covering = []
    for finding in alert.unsent if unsent else alert.standing:
        fitting = [silence for silence in holding if silence.which.fits(alert, finding)]
        if not fitting:
            return None
        covering.append(max(fitting, key=lambda silence: silence.ends_at))
    return min(covering, key=lambda silence: silence.ends_at, default=None)


def check_silence(which: Silenced, ends_at: datetime, reason: str, now: datetime) -> None:
    """Raise SilenceInvalid unless it names alerts, ends within LONGEST and has a reason."""
    faults = reasons.faults_of(reason)
    if which == Silenced():
        faults.append(Fault("automation", "Name an automation, monitor, series or segment: nobody may silence all"))
    if ends_at <= now:
        faults.append(Fault("until", "Expected a time in the future"))
    elif ends_at - now > LONGEST:
        faults.append(Fault("until", f"A silence ends after at most {LONGEST.days} days"))
    if faults:
        raise SilenceInvalid(faults=faults)
