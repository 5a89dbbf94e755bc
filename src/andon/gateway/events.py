"""`POST /v1/events`: CloudEvents over HTTP, for every automation whose trigger takes their type. They are decided by the workers.

An event is looked at before it is taken, so that its sender hears at once what is wrong with it. Of a batch each event is
answered by itself: a bad one costs no other.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from andon import streams
from andon.access import Forbidden, Permission, Principal
from andon.gateway.asgi import Scope, Send, headers_of_scope, respond
from andon.gateway.bodies import Receive, read_body
from andon.gateway.dependencies import Gateway, bearer
from andon.gateway.errors import EventUnknown, MediaTypeUnsupported, MethodNotAllowed
from andon.gateway.headers import correlation_of
from andon.gateway.problems import CONTENT_TYPE, headers_of, internal, problem, status_of
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Invalid
from andon.kernel.ids import uuid7
from andon.streams import BATCHED, STRUCTURED, Event, EventUnreadable, Reader, StreamKey, events_of

log = structlog.get_logger(__name__)

PATH = "/v1/events"
MOST = 1000
"""Events in one call."""


class Events:
    """The route over the parts of one gateway."""

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
        body = await read_body(headers, receive, gateway.settings.gateway.max_body_bytes)
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        batch = media == BATCHED
        if not batch and media != STRUCTURED and not (_is_json(media) and "ce-id" in headers):
            raise MediaTypeUnsupported(
                f"Expected a CloudEvent: headers `ce-id`, `ce-source`, `ce-type`, `ce-specversion` and JSON, or {STRUCTURED}, or {BATCHED}"
            )
        found = events_of(body, {**headers, "content-type": headers["content-type"].lower()})
        if len(found) > MOST:
            raise EventUnreadable(f"A call brings at most {MOST} events; this one has {len(found)}")
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
        """All good ones are kept in one transaction: whoever is answered 202 need not send again."""
        with self._gateway.database.begin() as tx:
            return [
                event if isinstance(event, EventUnreadable) else self._keep_one(tx, event, caller, correlation)
                for event in found
            ]

    def _keep_one(self, tx: Tx, event: Event, caller: Principal, correlation: str) -> dict[str, Any] | AndonError:
        try:
            taken = self._results(tx, event, caller, correlation)
        except Invalid as error:
            return error
        except Forbidden as error:
            return error
        if not taken:
            return EventUnknown(f"No automation that {caller.name} may ask takes events of the type {event.type!r}")
        return {"id": event.id, "source": event.source, "automations": taken}

    def _results(self, tx: Tx, event: Event, caller: Principal, correlation: str) -> dict[str, str]:
        """By automation: accepted, repeated or left_out. Raises Invalid if one of them cannot decide it; then none gets it."""
        read = []
        for name, line in self._gateway.lines.items():
            for trigger in line.automation.triggers:
                taken = trigger.source == "http" and (not trigger.types or event.type in trigger.types)
                if taken and caller.may(Permission.DECIDE, name):
                    reader = Reader(StreamKey(name, trigger.name), trigger, line.contract)
                    read.append((name, reader.input_of(event), line.automation.subject))
        results = {}
        now = self._gateway.clock.now()
        for name, given, subject in read:
            if given is None:
                results[name] = "left_out"
                continue
            key = None if subject is None else given[1].get(subject)
            own = event if event.correlation is not None else event._replace(correlation=event.id or correlation)
            kept = streams.receive(
                tx, own, automation=name, key=None if key is None else str(key), caller=caller.name, now=now
            )
            results[name] = "accepted" if kept else "repeated"
        return results


def _is_json(media: str) -> bool:
    return media in ("", "application/json") or media.endswith("+json")
