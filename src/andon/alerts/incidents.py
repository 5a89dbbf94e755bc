"""Incidents, on which people work until the line is restored and the cause is known. Pure values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class NoteKind(StrEnum):
    """Kinds of entries in a timeline."""

    RAISED = "raised"
    FOUND = "found"
    ROSE = "rose"
    RECOVERED = "recovered"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    SENT = "sent"
    CORD = "cord"
    GATE = "gate"
    COMMENT = "comment"
    OWNER = "owner"
    OPENED = "opened"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the timeline of an alert, an incident or both. Lines are never changed."""

    id: UUID
    at: datetime
    alert: UUID | None
    incident: UUID | None
    kind: NoteKind
    by: str
    message: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident of an automation.

    `held`: the cord was pulled meanwhile; `restored_at`: when everything was automatic again.
    """

    id: UUID
    automation: str
    title: str
    detected_at: datetime
    opened_at: datetime
    opened_by: str
    held: bool
    owner: str | None = None
    restored_at: datetime | None = None
    cause: str | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None

    @property
    def recovered_at(self) -> datetime | None:
        """When the line was automatic again; if its cord was never pulled, when the incident ended.

        None until then.
        """
        return self.restored_at if self.held else self.ended_at

    @property
    def recovery(self) -> timedelta | None:
        """The time from detection to recovery; None until then."""
        return None if self.recovered_at is None else self.recovered_at - self.detected_at
