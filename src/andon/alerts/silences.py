"""Silences: which alerts are stored and shown, but not sent, until when and why. Pure values and rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from andon.alerts.domain import AlertKey
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

    def fits(self, key: AlertKey) -> bool:
        """Return whether an alert with this key is covered. Alerts of drills never are, as they are not sent anyway."""
        return key.drill is None and all(
            wanted is None or wanted == given
            for wanted, given in (
                (self.automation, key.automation),
                (self.monitor, key.monitor),
                (self.series, key.series),
                (self.segment, key.segment),
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


def silence_of(key: AlertKey, silences: Sequence[Silence], now: datetime) -> Silence | None:
    """Return the silence of an alert that ends last; None if none applies."""
    holding = [silence for silence in silences if silence.holds(now) and silence.which.fits(key)]
    return max(holding, key=lambda silence: silence.ends_at, default=None)


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
