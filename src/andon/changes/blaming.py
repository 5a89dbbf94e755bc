"""Blame: the change behind a pulled cord or an incident, and the changes that were rework. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from andon.alerts import Incident
from andon.changes.domain import WINDOW, ActKind, ChangeRecord, FailureSign, LineChange, SignKind
from andon.changes.history import LineHistory
from andon.cord import LineState, LineStateChange


def blame(record: ChangeRecord, history: LineHistory) -> ChangeRecord:
    """Blame the newest change in force for each pulled cord and incident, if it is no older than WINDOW."""
    changes = list(record.changes)
    troubles = [*_pulls(history.states), *map(_trouble, history.incidents)]
    for trouble in sorted(troubles, key=lambda one: one.at):
        place = _to_blame(changes, trouble.at)
        if place is not None:
            changes[place] = replace(changes[place], signs=(*changes[place].signs, trouble))
    worked = [replace(one, rework=any(_lasts(trouble, one.at) for trouble in troubles)) for one in changes]
    return ChangeRecord(tuple(worked), record.rollbacks)


def _to_blame(changes: Sequence[LineChange], at: datetime) -> int | None:
    """Return the place of the newest change in force. A narrowed gate is never blamed: it only sends more to people."""
    there = [
        (one.latest(at), place)
        for place, one in enumerate(changes)
        if one.kind is not ActKind.GATE and one.at <= at and (one.undone_at is None or one.undone_at >= at)
    ]
    newest, place = max(there, default=(None, None))
    return place if newest is not None and at - newest <= WINDOW else None


def _lasts(trouble: FailureSign, at: datetime) -> bool:
    return trouble.at < at and (trouble.over_at is None or at < trouble.over_at)


def _pulls(states: Sequence[LineStateChange]) -> Iterator[FailureSign]:
    """Return a sign for each period in which the line, or a part of it, was not automatic."""
    held: dict[str, LineStateChange] = {}
    for one in states:
        part = json.dumps(one.segment, sort_keys=True)
        if one.after is not LineState.AUTOMATIC:
            held.setdefault(part, one)
        elif part in held:
            began = held.pop(part)
            yield FailureSign(SignKind.CORD_PULLED, began.at, one.at, began.reason)
    for one in held.values():
        yield FailureSign(SignKind.CORD_PULLED, one.at, None, one.reason)


def _trouble(incident: Incident) -> FailureSign:
    return FailureSign(SignKind.INCIDENT, incident.detected_at, incident.recovered_at, incident.title)
