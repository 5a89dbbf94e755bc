"""Pulling and releasing the cord, and reading line states. Every change is audited, announced and published."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from andon import audit
from andon.cord import store
from andon.cord.domain import (
    ALL_SUPERVISED,
    LineState,
    LineStateChange,
    LineStates,
    Segment,
    check_pull,
    check_release,
    states_of,
)
from andon.cord.published import LineStateChanged
from andon.cord.vouched import LINE_STATES
from andon.kernel.db import Tx, announce
from andon.kernel.events import Events
from andon.kernel.identity import Actor

ANNOUNCED = "cord"
"""The noun under which changed line states are announced to processes."""


def hold(tx: Tx, automation: str) -> None:
    """Keep others from changing the states of this automation until the transaction ends."""
    store.lock(tx, automation)


def pull(
    tx: Tx,
    automation: str,
    *,
    state: LineState,
    segment: Segment,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
) -> LineStateChange:
    """Make a line or a segment of it more careful; running gateways follow within a second. Raises CordInvalid."""
    return _change(tx, automation, state, segment, actor, reason, events, now, check_pull)


def release(
    tx: Tx,
    automation: str,
    *,
    segment: Segment,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    state: LineState = LineState.AUTOMATIC,
) -> LineStateChange:
    """Make a line or a segment of it less careful again. Raises CordInvalid."""
    return _change(tx, automation, state, segment, actor, reason, events, now, check_release)


def state_of(tx: Tx, automation: str, segment: Segment) -> LineState:
    """Return the state of exactly this segment, regardless of the whole line and other segments."""
    changes = store.in_force(tx, automation)
    return next((change.after for change in changes if change.segment == segment), LineState.AUTOMATIC)


def in_force(tx: Tx, automation: str) -> Sequence[LineStateChange]:
    """Return the changes in force for the line and its segments, without segments that are automatic again."""
    return [c for c in store.in_force(tx, automation) if c.after is not LineState.AUTOMATIC]


def states_in_force(tx: Tx, automation: str) -> LineStates:
    """Return the states of one automation; supervised if a row differs from the audit log."""
    changes = store.in_force(tx, automation)
    refused = audit.doubts(tx, LINE_STATES, [LINE_STATES.row(automation, change.number) for change in changes])
    audit.tell_refused(LINE_STATES, refused)
    return ALL_SUPERVISED if refused else states_of(changes)


def all_states(tx: Tx) -> Mapping[str, LineStates]:
    """Return the states of every automation whose cord was ever pulled."""
    changes: dict[str, list[LineStateChange]] = {}
    for change in store.in_force(tx):
        changes.setdefault(change.automation, []).append(change)
    return {automation: states_of(own) for automation, own in changes.items()}


def doubted(tx: Tx) -> frozenset[str]:
    """Return the automations with a state in force that differs from the audit log."""
    rows = [LINE_STATES.row(change.automation, change.number) for change in store.in_force(tx)]
    refused = audit.doubts(tx, LINE_STATES, rows)
    audit.tell_refused(LINE_STATES, refused)
    return frozenset(key[0] for key in refused)


def history(tx: Tx, automation: str, *, limit: int | None = 50) -> Sequence[LineStateChange]:
    """Return pulls and releases of one automation, newest first; without a limit, all of them."""
    return store.history(tx, automation, limit)


def _change(
    tx: Tx,
    automation: str,
    state: LineState,
    segment: Segment,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    check: Callable[[LineState, LineState, str], None],
) -> LineStateChange:
    store.lock(tx, automation)
    before = state_of(tx, automation, segment)
    check(before, state, reason)
    number = store.last_number(tx, automation) + 1
    change = LineStateChange(automation, number, dict(segment), before, state, actor.name, reason.strip(), now)
    store.add(tx, change)
    published = LineStateChanged(automation, number, change.segment, before, state, change.by, change.reason, at=now)
    events.publish(tx, published)
    audit.record(
        tx,
        actor=actor,
        action="line.state",
        subject=f"automation:{automation}",
        at=now,
        reason=change.reason,
        before={"state": before.value, "segment": dict(segment)},
        after={"state": state.value, "segment": dict(segment)},
        rows=[LINE_STATES.row(automation, number)],
    )
    announce(tx, ANNOUNCED)
    return change
