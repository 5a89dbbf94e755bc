"""Operations on streams: look, pause, resume, seek; and on events that could not be decided."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json

from andon import audit, decisions
from andon.kernel import reasons
from andon.kernel.db import Tx, announce
from andon.kernel.errors import Invalid
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.streams import journal
from andon.streams.domain import SHELVES, DeadEvent, DeadState, Stream, StreamKey, seek_to
from andon.streams.errors import DeadEventNotFound, EventSettled, StreamNotFound, reason_of
from andon.streams.events import Event, value_of
from andon.streams.published import NAMED, EventsDied
from andon.streams.store import dead, inbox, mails, streams

INBOX_KEPT = timedelta(days=7)
"""The time for which a decided HTTP event can be read again."""

PUBLISHED_AT_ONCE = 10_000
"""Dead events that one transaction publishes."""

PREVIEW = 400
"""Bytes of each dead event in a list."""


class ReceivedEvent(NamedTuple):
    """An event that arrived by HTTP, for one automation; events of one `key` are decided in their order."""

    event: Event
    automation: str
    key: str | None


def page(tx: Tx, automations: Sequence[str] | None = None) -> list[Stream]:
    """Return all streams that were ever read, of the named automations or of all."""
    return streams.page(tx, automations)


def get(tx: Tx, key: StreamKey) -> Stream:
    """Return one stream with its partitions. Raises StreamNotFound."""
    found = streams.find(tx, key)
    if found is None:
        raise StreamNotFound(f"No stream {key}")
    return found


def pause(tx: Tx, key: StreamKey, *, actor: Actor, reason: str, now: datetime) -> Stream:
    """Pause a stream: once committed, nothing of it is recorded.

    Messages wait at their source. Raises StreamNotFound.
    """
    before = _held(tx, key, reason)
    if before.paused_at is None:
        streams.pause(tx, key, actor.name, reason, now)
        _tell(tx, key, journal.PAUSE, actor, reason, now, {})
    return get(tx, key)


def resume(tx: Tx, key: StreamKey, *, actor: Actor, reason: str, now: datetime) -> Stream:
    """Let a stream continue from where it stopped. Raises StreamNotFound."""
    before = _held(tx, key, reason)
    if before.paused_at is not None:
        streams.resume(tx, key)
        _tell(tx, key, journal.RESUME, actor, reason, now, {})
    return get(tx, key)


def seek(tx: Tx, key: StreamKey, to: str, *, partition: str | None, actor: Actor, reason: str, now: datetime) -> Stream:
    """Move a stream, or one partition of it, elsewhere: `start`, `end`, a position or a moment.

    Its reader resolves the position; until then nothing of it is recorded. CloudEvents that were decided within the
    last two days are not decided again. Raises SeekInvalid, StreamNotFound.
    """
    wanted = seek_to(to)
    before = _held(tx, key, reason)
    if streams.seek(tx, key, wanted, partition) == 0:
        raise StreamNotFound(f"{key} has no partition {partition!r}" if partition else f"{key} has no partitions yet")
    positions = {p.name: p.position for p in before.partitions if partition in (None, p.name)}
    _tell(tx, key, journal.SEEK, actor, reason, now, {"to": wanted, "from": positions})
    return get(tx, key)


def dead_events(
    tx: Tx,
    state: DeadState = DeadState.DEAD,
    *,
    automations: Sequence[str] | None = None,
    stream: str | None = None,
    limit: int = 50,
    before: UUID | None = None,
) -> list[DeadEvent]:
    """Return events that could not be decided, newest first, with the beginning of their data."""
    return dead.page(tx, state, automations=automations, stream=stream, limit=limit, before=before, preview=PREVIEW)


def mail_of(tx: Tx, decision_id: UUID) -> str | None:
    """Return the identity of the mail that a decision is about; None if it is about something else."""
    return mails.of_decision(tx, decision_id)


def decisions_of_mails(tx: Tx, found: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], UUID]:
    """Return the decisions on mails, each named by its automation and its identity."""
    return mails.decisions_of(tx, found)


def count_dead(tx: Tx, automations: Sequence[str] | None = None) -> Mapping[StreamKey, int]:
    """Return how many events of each stream wait for a person."""
    return dead.count(tx, automations)


def get_dead(tx: Tx, event_id: UUID) -> DeadEvent:
    """Return one dead event, complete. Raises DeadEventNotFound."""
    found = dead.find(tx, event_id)
    if found is None:
        raise DeadEventNotFound(f"No dead event {event_id}")
    return found


def resend(tx: Tx, event_id: UUID, *, data: bytes | None, actor: Actor, reason: str, now: datetime) -> DeadEvent:
    """Retry an event through the intake, with other data if it was corrected; it is dead again if that fails.

    `decision_id` of the result is the id of the future decision. Raises DeadEventNotFound, EventSettled, and
    EventUnreadable if the corrected data is not JSON.
    """
    event = _mendable(tx, event_id, reason)
    if data is not None:
        value_of(data)
    identifier = uuid7(now)
    decisions.accept_again(
        tx,
        identifier,
        automation=event.automation,
        raw=event.data if data is None else data,
        caller=event.caller,
        correlation_id=event.correlation_id or event.event_id or str(identifier),
        traceparent=event.traceparent,
        dead_event=event.id,
        mended=data is not None,
        now=now,
    )
    sent = _settled(event, DeadState.SENT, actor, reason, now, identifier)
    dead.settle(tx, sent)
    _tell_event(tx, sent, "resend", actor, reason, now, {"mended": data is not None, "decision": str(identifier)})
    return sent


def discard(tx: Tx, event_id: UUID, *, actor: Actor, reason: str, now: datetime) -> DeadEvent:
    """Give an event up permanently; it stays visible. Raises DeadEventNotFound, EventSettled."""
    event = _mendable(tx, event_id, reason)
    discarded = _settled(event, DeadState.DISCARDED, actor, reason, now, None)
    dead.settle(tx, discarded)
    _tell_event(tx, discarded, "discard", actor, reason, now, {})
    return discarded


def fail_again(tx: Tx, event_id: UUID, request: UUID, why: Invalid) -> None:
    """Mark a resent event that still cannot be decided as dead again, with the new reason."""
    decisions.withdraw(tx, request)
    dead.revive(tx, event_id, reason_of(why), why.faults)


def publish_dead(tx: Tx, events: Events, now: datetime) -> int:
    """Publish the events that died since the last call, grouped by stream; return how many there were."""
    died = dead.publish(tx, PUBLISHED_AT_ONCE)
    for key, ids in sorted(died.items(), key=lambda one: (one[0].automation, one[0].stream)):
        events.publish(tx, EventsDied(key.automation, key.stream, len(ids), ids[:NAMED], at=now))
    return sum(map(len, died.values()))


def receive(tx: Tx, received: Sequence[ReceivedEvent], *, caller: str, now: datetime) -> list[bool]:
    """Keep events that arrived by HTTP until a worker decides them; return False for each known source and id.

    All are written by one statement, in the given order.
    """
    if not received:
        return []
    kept = inbox.put(tx, [_row(one) for one in received], caller, now)
    return [one.event.id is None or _once(kept, (one.automation, one.event.source, one.event.id)) for one in received]


def _once(kept: set[tuple[str, str | None, str | None]], which: tuple[str, str | None, str | None]) -> bool:
    """Return whether it is present, and remove it: the second of two equal events in one call is a repeat."""
    there = which in kept
    kept.discard(which)
    return there


def _row(one: ReceivedEvent) -> Mapping[str, Any]:
    event = one.event
    headers = {
        f"ce-{name}": value
        for name, value in (
            ("specversion", "1.0"),
            ("id", event.id),
            ("source", event.source),
            ("type", event.type),
            ("time", None if event.time is None else event.time.isoformat()),
            ("correlationid", event.correlation),
            ("traceparent", event.traceparent),
        )
        if value is not None
    }
    return {
        "automation": one.automation,
        "shelf": int.from_bytes(sha256((one.key or event.id or "").encode()).digest()[:2]) % SHELVES,
        "source": event.source,
        "event_id": event.id,
        "key": one.key,
        "headers": to_json(headers).decode(),
        "data": event.data,
    }


def keep_house(tx: Tx, now: datetime) -> None:
    """Forget decided events that arrived by HTTP long ago."""
    inbox.forget(tx, now - INBOX_KEPT)


def _held(tx: Tx, key: StreamKey, reason: str) -> Stream:
    reasons.require(reason)
    streams.lock(tx, key)
    return get(tx, key)


def _mendable(tx: Tx, event_id: UUID, reason: str) -> DeadEvent:
    reasons.require(reason)
    event = dead.find(tx, event_id, lock=True)
    if event is None:
        raise DeadEventNotFound(f"No dead event {event_id}")
    if event.state is not DeadState.DEAD:
        raise EventSettled(f"This event was already {event.state} by {event.settled_by}")
    return event


def _settled(
    event: DeadEvent, state: DeadState, actor: Actor, reason: str, now: datetime, decision: UUID | None
) -> DeadEvent:
    return replace(
        event, state=state, settled_at=now, settled_by=actor.name, settle_reason=reason, decision_id=decision
    )


def _tell(
    tx: Tx, key: StreamKey, what: str, actor: Actor, reason: str, now: datetime, after: Mapping[str, Any]
) -> None:
    audit.record(tx, actor=actor, action=what, subject=journal.subject(key), at=now, reason=reason, after=dict(after))
    announce(tx, "streams")


def _tell_event(
    tx: Tx, event: DeadEvent, what: str, actor: Actor, reason: str, now: datetime, after: Mapping[str, Any]
) -> None:
    audit.record(
        tx,
        actor=actor,
        action=f"event.{what}",
        subject=f"dead_event:{event.id}",
        at=now,
        reason=reason,
        after={"stream": f"{event.automation}/{event.stream}", **after},
    )
