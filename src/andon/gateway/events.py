"""`POST /v1/events` and `/v1/events:batch`: CloudEvents for every automation whose trigger takes their type.

Workers decide them. An event is checked before it is accepted, so that its sender gets the error immediately. Each
event of a batch has its own answer: a bad one does not affect the others.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from andon import streams
from andon.access import Permission, Principal
from andon.authoring import Trigger
from andon.gateway.asgi import Scope, Send, headers_of_scope, respond
from andon.gateway.authorization import bearer
from andon.gateway.bodies import Receive, media_of, read_body, require_json, require_plain
from andon.gateway.dependencies import Gateway
from andon.gateway.errors import EventUnknown, MediaTypeUnsupported, MethodNotAllowed, NotReady
from andon.gateway.headers import correlation_of
from andon.gateway.problems import CONTENT_TYPE, headers_of, internal, problem, status_of
from andon.kernel.errors import AndonError, Invalid
from andon.kernel.ids import uuid7
from andon.streams import (
    BATCHED,
    STRUCTURED,
    ArrivalReader,
    Event,
    EventUnreadable,
    ReceivedEvent,
    StreamKey,
    events_of,
)

log = structlog.get_logger(__name__)

PATH = "/v1/events"
BATCH_PATH = "/v1/events:batch"
"""The path that takes an array of events as plain JSON."""
MOST = 1000
"""Most events in one call."""


class _Taken(NamedTuple):
    """An event, and the event to keep for each automation that takes it; None where it is left out."""

    event: Event
    by_automation: Mapping[str, ReceivedEvent | None]


class EventDoor:
    """The event routes of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        headers = headers_of_scope(scope)
        correlation = str(uuid7(self._gateway.clock.now()))
        try:
            correlation = correlation_of(headers, correlation)
            if scope["method"] != "POST":
                raise MethodNotAllowed(allow="POST")
            if scope["path"] == BATCH_PATH:
                if media_of(headers) != BATCHED:
                    require_json(headers)
                headers["content-type"] = BATCHED
            status, answer = await self._take(headers, receive, correlation)
            await respond(send, status, json.dumps(answer).encode(), {"X-Correlation-ID": correlation})
        except AndonError as error:
            out = {"X-Correlation-ID": correlation, "Content-Type": CONTENT_TYPE, **headers_of(error)}
            await respond(send, status_of(error), problem(error, correlation), out)
        except Exception:
            log.exception("events.failed", correlation_id=correlation)
            out = {"X-Correlation-ID": correlation, "Content-Type": CONTENT_TYPE}
            await respond(send, 500, internal(correlation), out)

    async def _take(self, headers: Mapping[str, str], receive: Receive, correlation: str) -> tuple[int, dict[str, Any]]:
        gateway = self._gateway
        caller = gateway.keys.authenticate(bearer(headers.get("authorization")), gateway.clock.now())
        caller.require_anywhere(Permission.DECIDE)
        gateway.admission.admit(caller.id)
        require_plain(headers)
        body = await read_body(headers, receive, gateway.settings.gateway.max_body_bytes)
        media = media_of(headers)
        batch = media == BATCHED
        binary = _is_json(media) and ("ce-id" in headers or "ce-specversion" in headers)
        if not batch and media != STRUCTURED and not binary:
            raise MediaTypeUnsupported(
                "Expected a CloudEvent: headers `ce-id`, `ce-source`, `ce-type`, `ce-specversion` and JSON, "
                f"or {STRUCTURED}, or {BATCHED}"
            )
        found = events_of(body, {**headers, "content-type": headers.get("content-type", "").lower()})
        if len(found) > MOST:
            raise EventUnreadable(f"A call holds at most {MOST} events; this one has {len(found)}")
        answers = await asyncio.to_thread(self._keep, found, caller, correlation)
        refused = [answer for answer in answers if isinstance(answer, AndonError)]
        if not batch and refused:
            raise refused[0]
        shown = [
            {"number": number, "status": status_of(answer), "problem": json.loads(problem(answer, correlation))}
            if isinstance(answer, AndonError)
            else {"number": number, "status": 202, **answer}
            for number, answer in enumerate(answers)
        ]
        return (207 if refused else 202), {"events": shown}

    def _keep(
        self, found: Sequence[Event | EventUnreadable], caller: Principal, correlation: str
    ) -> list[dict[str, Any] | AndonError]:
        """Keep all good events in one transaction. After a 202 the sender need not send again."""
        read = [self._read(event, caller, correlation) for event in found]
        taken = [one for by in read if isinstance(by, _Taken) for one in by.by_automation.values() if one]
        with self._gateway.database.begin() as tx:
            kept = iter(streams.receive(tx, taken, caller=caller.name, now=self._gateway.clock.now()))
        return [by if isinstance(by, AndonError) else _told(by, kept) for by in read]

    def _read(self, event: Event | EventUnreadable, caller: Principal, correlation: str) -> _Taken | AndonError:
        """Return the event for each automation that takes it. If one of them cannot decide it, none gets it."""
        if isinstance(event, EventUnreadable):
            return event
        own = event if event.correlation is not None else event._replace(correlation=event.id or correlation)
        for automation in self._gateway.deployment.not_ready:
            awaited = any(_takes(trigger, event) for trigger in automation.triggers)
            if awaited and caller.may(Permission.DECIDE, automation.name):
                return NotReady(f"The automation {automation.name!r}, which takes this event, is not ready")
        read: dict[str, ReceivedEvent | None] = {}
        for name, line in self._gateway.lines.items():
            for trigger in line.automation.triggers:
                if not (_takes(trigger, event) and caller.may(Permission.DECIDE, name)):
                    continue
                try:
                    given = ArrivalReader(StreamKey(name, trigger.name), trigger, line.contract).input_of(event)
                except Invalid as error:
                    return error
                subject = line.automation.subject
                key = None if given is None or subject is None else given[1].get(subject)
                if given is not None:
                    read[name] = ReceivedEvent(own, name, None if key is None else str(key))
                read.setdefault(name, None)
        if not read:
            return EventUnknown(
                f"No automation that {caller.name} may ask for decisions takes events of the type {event.type!r}"
            )
        return _Taken(event, read)


def _takes(trigger: Trigger, event: Event) -> bool:
    return trigger.source == "http" and (not trigger.types or event.type in trigger.types)


def _told(taken: _Taken, kept: Iterator[bool]) -> dict[str, Any]:
    """Return the result of one event, by automation."""
    by = {
        name: "left_out" if one is None else "accepted" if next(kept) else "repeated"
        for name, one in taken.by_automation.items()
    }
    return {"id": taken.event.id, "source": taken.event.source, "automations": by}


def _is_json(media: str) -> bool:
    return media in ("", "application/json") or media.endswith("+json")
