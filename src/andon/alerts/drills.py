"""Drills: a made-up alert, and how soon every running process holds the cord it pulls. Pure values and rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from andon.cord import DRILL_FIELD, Segment
from andon.live import Process

PATIENCE = timedelta(seconds=30)
"""A drill fails if a process does not hold the cord after this long."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill with its times and its result."""

    id: UUID
    automation: str
    asked_by: str
    reason: str
    began_at: datetime
    pulled_at: datetime | None = None
    followed_at: datetime | None = None
    ended_at: datetime | None = None
    passed: bool | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """The end of a drill, in words."""

    passed: bool
    result: str


def drill_segment(drill: UUID) -> Segment:
    """Return the segment of a drill. No contract has such a field, so no input belongs to it."""
    return {DRILL_FIELD: str(drill)}


def judge(drill: Drill, processes: Sequence[Process], now: datetime) -> DrillOutcome | None:
    """Return the result of a drill whose cord is pulled; None while a live process may still follow."""
    serving = [one for one in processes if drill.automation in one.status.serves]
    behind = [one for one in serving if str(drill.id) not in one.status.drills]
    since = drill.pulled_at or drill.began_at
    if serving and not behind:
        took = (now - since).total_seconds()
        return DrillOutcome(True, f"{_processes(len(serving))} held the cord within {took:.1f} s")
    if now - since < PATIENCE:
        return None
    if not serving:
        return DrillOutcome(False, "No process that decides for this automation is running")
    named = ", ".join(f"{one.part} {one.host}/{one.pid}" for one in behind)
    return DrillOutcome(False, f"After {PATIENCE.total_seconds():.0f} s not every process held the cord: {named}")


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"
