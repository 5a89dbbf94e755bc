"""One claimed action: obstacles, the result of an earlier attempt, one attempt, and the consequence of its answer."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from andon import decisions
from andon.actions import service
from andon.actions.calling import ask, send
from andon.actions.domain import (
    LONGEST_WORK,
    Again,
    Answer,
    AnswerKind,
    Attempt,
    Disabled,
    GiveUp,
    Repeat,
    follow_up,
    kept_result,
    undecided,
)
from andon.actions.lanes import PROBE_WAIT, DestinationLane
from andon.actions.observing import DeliveryObserver
from andon.actions.ports import Connector, Delivery, Destination, EventHead, Inquiring
from andon.actions.postbox import Claimed, Postbox
from andon.actions.store import PostboxEntry
from andon.authoring import BY_PROCEDURE
from andon.kernel.claims import Conclusion
from andon.kernel.clock import Clock
from andon.kernel.errors import Invalid
from andon.kernel.ids import uuid7
from andon.kernel.outbox import Message, MessageState

UNKNOWN_FOR = timedelta(minutes=5)
"""The time an action waits for a worker that knows its destination: during a restart an old worker may not."""

UNKNOWN_WAIT = timedelta(seconds=5)

_DETAIL_LIMIT = 2000
_DIED = "no answer was recorded: the delivering process ended"

_random = random.Random()  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of the work on one claimed message: the entry to write, and whether its destination is gone."""

    entry: PostboxEntry
    disables: Disabled | None = None


class Sender:
    """Finishes single messages through the given lanes and connectors."""

    def __init__(
        self,
        postbox: Postbox,
        connectors: Mapping[str, Connector],
        lanes: Mapping[str, DestinationLane],
        clock: Clock,
        *,
        observer: DeliveryObserver,
        share: Callable[[], float] = _random.random,
        stopping: asyncio.Event,
    ) -> None:
        self._postbox = postbox
        self._connectors = connectors
        self.used: dict[str, Connector] = {}
        self._lanes = lanes
        self._clock = clock
        self._observer = observer
        self._share = share
        self._stopping = stopping

    async def bring(self, claimed: Claimed, disabled: Mapping[str, Disabled]) -> Ending:
        """Finish one claimed message. Raises DatabaseUnavailable if the end cannot be written."""
        message, content = claimed.message, claimed.content
        unknown = self._unknown(message)
        if unknown is not None:
            return self._left_to_others(message, unknown)
        if content is None:
            return _dead(
                message, f"decision {message.subject} cannot be read in the ledger: there is nothing to deliver"
            )
        obstacle = self._obstacle(message, claimed.last, disabled)
        if obstacle is not None:
            return _dead(message, obstacle)
        lane = self._lanes[message.payload["destination"]]
        async with lane.slot():
            late = self._lateness(message, claimed.last, lane.destination)
            if late is not None:
                return _dead(message, late)
            due_at = self._held_back(message, lane)
            if due_at is not None:
                return later(message, due_at)
            delivery = _delivery(message, content, lane.destination)
            connector = self.used[message.payload["connector"]]
            lane.begin(message)
            try:
                settled = await self._reconcile(message, claimed.last, lane, delivery)
                return settled or await self._attempt(message, lane, connector, delivery)
            finally:
                lane.abandon()

    def _unknown(self, message: Message) -> str | None:
        """Return what this process lacks to try a message. A process with other settings or code may have it."""
        destination, connector = str(message.payload.get("destination", "")), str(message.payload.get("connector", ""))
        if connector not in self.used and (unusable := self._connect(connector)) is not None:
            return unusable
        if destination in self._lanes:
            return None
        if connector == BY_PROCEDURE:
            return f"no procedure {destination!r} is declared in this project; declare it, then send this again"
        return (
            f"destination {destination!r} is not configured: "
            f"add [destinations.{destination}] to andon.toml, then send this again"
        )

    def _left_to_others(self, message: Message, unknown: str) -> Ending:
        now = self._clock.now()
        if now >= (message.revived_at or message.created_at) + UNKNOWN_FOR:
            return _dead(message, unknown)
        self._observer.held_back(str(message.payload.get("destination", "")), "unknown")
        waiting = structs.replace(message, last_error=unknown)
        return later(waiting, now if self._stopping.is_set() else now + UNKNOWN_WAIT)

    def _obstacle(self, message: Message, last: Attempt | None, disabled: Mapping[str, Disabled]) -> str | None:
        """Return why a message cannot be tried at all, for the person who finds it among the dead letters."""
        destination = str(message.payload.get("destination", ""))
        gone = disabled.get(destination)
        if gone is not None:
            return f"destination {destination!r} is disabled: {gone.reason}"
        lane = self._lanes[destination]
        if message.attempts >= lane.destination.max_attempts and not _is_worked_on(last):
            return f"gave up after {message.attempts} attempts; the last one recorded no answer"
        return None

    def _connect(self, connector: str) -> str | None:
        """Prepare a connector; return the obstacle, or None."""
        if connector not in self._connectors:
            return f"no connector {connector!r}; there are: {', '.join(sorted(self._connectors)) or 'none'}"
        try:
            self.used[connector] = self._connectors[connector]
        except Invalid as error:
            return str(error)
        return None

    def _lateness(self, message: Message, last: Attempt | None, destination: Destination) -> str | None:
        now, deadline = self._clock.now(), _deadline_of(message, destination)
        if last is not None and last.kind is AnswerKind.WAITING:
            since = max(last.began_at, message.revived_at or last.began_at)
            if now >= (deadline or since + LONGEST_WORK):
                return undecided(f"begun {last.began_at:%Y-%m-%d %H:%M} UTC, and the receiver did not say how it ended")
        if deadline is None or now < deadline:
            return None
        tried = f"; the last attempt: {message.last_error}" if message.last_error else ""
        seconds = (destination.deadline or timedelta()).total_seconds()
        return f"its deadline passed, {seconds:g} s after it was written or sent again{tried}"

    def _held_back(self, message: Message, lane: DestinationLane) -> datetime | None:
        """Return when a message is due instead, or None if it may be tried now. Giving it back is not an attempt."""
        if self._stopping.is_set():
            return self._clock.now()
        blocked_until = lane.blocked_until()
        if blocked_until is not None:
            self._observer.held_back(lane.destination.name, "breaker")
            return blocked_until
        if message.again and not lane.may_retry():
            self._observer.held_back(lane.destination.name, "retry_budget")
            return self._clock.now() + PROBE_WAIT
        return None

    async def _reconcile(
        self, message: Message, last: Attempt | None, lane: DestinationLane, delivery: Delivery
    ) -> Ending | None:
        """Ask for the result of the last attempt if it is unknown; return None if the action may be attempted."""
        if last is None or last.kind not in (None, AnswerKind.UNKNOWN, AnswerKind.WAITING):
            return None
        connector = self.used[message.payload["connector"]]
        asked = inquiring(connector, delivery)
        sent_again_since = message.revived_at is not None and last.began_at < message.revived_at
        if asked is None:
            worked_on = last.kind is AnswerKind.WAITING
            if sent_again_since or (may_repeat(connector, delivery.destination) and not worked_on):
                return None
            return _dead(message, undecided(last.detail or _DIED))
        began_at = self._clock.now()
        answer = await ask(asked.inquire, replace(delivery, sent_at=last.began_at, sent_result=last.result or {}))
        lane.answered(replace(answer, kind=AnswerKind.REFUSED) if answer.kind is AnswerKind.FAILED else answer)
        self._observer.inquired(delivery.destination.name, answer)
        if answer.kind is AnswerKind.WAITING:
            return self._ask_later(message, answer, delivery.destination)
        inquiry = Attempt(uuid7(began_at), message.attempts + 1, began_at, inquiry=True)
        ended_without = answer.kind is AnswerKind.REFUSED or answer.final
        if answer.kind is AnswerKind.FAILED or (sent_again_since and ended_without):
            await self._postbox.write(PostboxEntry((message.id, inquiry), self._ended(inquiry, answer)))
            return None
        if answer.kind is AnswerKind.UNKNOWN:
            answer = replace(answer, detail=f"asked whether it was taken: {answer.detail}")
        ending = self._judge(message, inquiry, answer, delivery.destination, repeatable=True)
        return replace(ending, entry=replace(ending.entry, begun=(message.id, inquiry)))

    def _ask_later(self, message: Message, answer: Answer, destination: Destination) -> Ending:
        """Give back a message that its receiver works on; only the time of the next question is written."""
        wait = follow_up(answer, attempt=0, max_attempts=1, share=0)
        due_at = self._due_in(wait.wait if isinstance(wait, Again) else PROBE_WAIT, message, destination)
        error = f"{answer.kind}: {answer.detail}"
        conclusion = Conclusion(message, MessageState.PENDING, error, due_at=due_at, counted=False, asks=True)
        return Ending(PostboxEntry(conclusion=conclusion))

    async def _attempt(
        self, message: Message, lane: DestinationLane, connector: Connector, delivery: Delivery
    ) -> Ending:
        began_at = self._clock.now()
        attempt = Attempt(uuid7(began_at), message.attempts + 1, began_at)
        await self._postbox.write(PostboxEntry((message.id, attempt)))
        started = asyncio.get_running_loop().time()
        answer = await send(connector, delivery, attempt)
        lane.answered(answer)
        seconds = asyncio.get_running_loop().time() - started
        self._observer.answered(lane.destination.name, answer, retry=message.again, seconds=seconds)
        repeatable = may_repeat(connector, delivery.destination) or inquiring(connector, delivery) is not None
        return self._judge(message, attempt, answer, lane.destination, repeatable=repeatable)

    def _judge(
        self, message: Message, attempt: Attempt, answer: Answer, destination: Destination, *, repeatable: bool
    ) -> Ending:
        now = self._clock.now()
        ended = self._ended(attempt, answer)
        gone = Disabled(destination.name, now, f"it answered that it is gone ({answer.status})")
        next_step = follow_up(
            answer,
            attempt=attempt.number,
            max_attempts=destination.max_attempts,
            share=self._share(),
            repeatable=repeatable,
        )
        if next_step is None:
            conclusion = Conclusion(message, MessageState.DONE)
        elif isinstance(next_step, GiveUp):
            conclusion = Conclusion(message, MessageState.DEAD, next_step.why.replace("\0", ""))
        else:
            due_at = self._due_in(next_step.wait, message, destination)
            error = f"{ended.kind}: {ended.detail}"
            conclusion = Conclusion(message, MessageState.PENDING, error, due_at, asks=next_step.asks)
        return Ending(PostboxEntry(ended=ended, conclusion=conclusion), gone if answer.disable else None)

    def _ended(self, attempt: Attempt, answer: Answer) -> Attempt:
        detail = answer.detail[:_DETAIL_LIMIT].replace("\0", "")
        return replace(
            attempt,
            ended_at=self._clock.now(),
            kind=answer.kind,
            status=answer.status,
            detail=detail,
            result=kept_result(answer.result),
        )

    def _due_in(self, wait: timedelta, message: Message, destination: Destination) -> datetime:
        return min(filter(None, (self._clock.now() + wait, _deadline_of(message, destination))))


def later(message: Message, due_at: datetime) -> Ending:
    """Give a message back untried."""
    return Ending(
        PostboxEntry(
            conclusion=Conclusion(message, MessageState.PENDING, message.last_error, due_at=due_at, counted=False)
        )
    )


def may_repeat(connector: Connector, destination: Destination) -> bool:
    """Return whether a repeat under the same key is harmless at this destination."""
    return (destination.repeat or connector.repeat) is Repeat.IDEMPOTENT


def inquiring(connector: Connector, delivery: Delivery) -> Inquiring | None:
    """Return the connector if it can ask this destination, else None."""
    return connector if isinstance(connector, Inquiring) and connector.can_inquire(delivery) else None


def _is_worked_on(last: Attempt | None) -> bool:
    return last is not None and last.kind is AnswerKind.WAITING


def _dead(message: Message, why: str) -> Ending:
    return Ending(PostboxEntry(conclusion=Conclusion(message, MessageState.DEAD, why)))


def _deadline_of(message: Message, destination: Destination) -> datetime | None:
    if destination.deadline is None:
        return None
    return (message.revived_at or message.created_at) + destination.deadline


def _delivery(message: Message, content: Mapping[str, Any], destination: Destination) -> Delivery:
    action, event = service.action_of(message), message.payload.get("event")
    return Delivery(
        key=message.id,
        destination=destination,
        automation=action.automation,
        action=action.action,
        outcome=action.outcome,
        data=content,
        created_at=message.created_at,
        correlation_id=message.correlation_id,
        traceparent=message.traceparent,
        options=message.payload.get("options") or {},
        recorded=decisions.own_content_of(message) is None,
        event=None if event is None else EventHead(event["type"], event["subject"]),
        claim=message.claim,
    )
