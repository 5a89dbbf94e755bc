"""`POST /v1/labels`: reports of the true classes of many decisions. The answer has a result for each row."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from andon import labels
from andon.access import Forbidden, Permission, Principal
from andon.gateway.asgi import Scope, Send, headers_of_scope, respond
from andon.gateway.authorization import bearer
from andon.gateway.bodies import Receive, read_body, require_plain
from andon.gateway.dependencies import Gateway
from andon.gateway.errors import MethodNotAllowed
from andon.gateway.headers import correlation_of
from andon.gateway.label_rows import Read, reports_of
from andon.gateway.problems import CONTENT_TYPE, headers_of, internal, problem, status_of
from andon.kernel.errors import AndonError
from andon.kernel.ids import uuid7
from andon.labels import Fate, LabelSource, Settled, TruthReport

log = structlog.get_logger(__name__)

PATH = "/v1/labels"


class LabelDoor:
    """The label route of one gateway."""

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
            status, answer = await self._record(headers, receive, correlation)
            await respond(send, status, json.dumps(answer).encode(), {"X-Correlation-ID": correlation})
        except AndonError as error:
            out = {"X-Correlation-ID": correlation, "Content-Type": CONTENT_TYPE, **headers_of(error)}
            await respond(send, status_of(error), problem(error, correlation), out)
        except Exception:
            log.exception("labels.failed", correlation_id=correlation)
            out = {"X-Correlation-ID": correlation, "Content-Type": CONTENT_TYPE}
            await respond(send, 500, internal(correlation), out)

    async def _record(
        self, headers: Mapping[str, str], receive: Receive, correlation: str
    ) -> tuple[int, dict[str, Any]]:
        gateway = self._gateway
        caller = gateway.keys.authenticate(bearer(headers.get("authorization")), gateway.clock.now())
        caller.require_anywhere(Permission.ADD_LABELS)
        gateway.admission.admit(caller.id)
        require_plain(headers)
        body = await read_body(headers, receive, gateway.settings.gateway.max_body_bytes)
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        settled = await asyncio.to_thread(self._settle, media, body, caller)
        counts = Counter(one.fate for one in settled)
        rows = [_shown(number, one, correlation) for number, one in enumerate(settled)]
        return (207 if counts[Fate.REFUSED] else 200), {**{fate.value: counts[fate] for fate in Fate}, "rows": rows}

    def _settle(self, media: str, body: bytes, caller: Principal) -> list[Settled]:
        """Record all good rows in one transaction, and return the result of each row."""
        read = reports_of(media, body)
        good = [one for one in read if isinstance(one, TruthReport)]
        with self._gateway.database.begin() as tx:
            recorded = labels.record_all(
                tx,
                good,
                actor=caller.actor,
                events=self._gateway.events,
                now=self._gateway.clock.now(),
                allowed=lambda automation, report: _refusal(caller, automation, report),
            )
        return _merged(read, recorded)


def _merged(read: Sequence[Read], recorded: Sequence[Settled]) -> list[Settled]:
    """Return the result of each row, in order, including the rows that could not be read."""
    ends = iter(recorded)
    return [next(ends) if isinstance(one, TruthReport) else Settled(Fate.REFUSED, error=one) for one in read]


def _refusal(caller: Principal, automation: str, report: TruthReport) -> AndonError | None:
    """Return why a caller may not make a report: for one who may neither read nor label, no such decision exists."""
    if not any(caller.may(one, automation) for one in (Permission.ADD_LABELS, Permission.READ_DECISIONS)):
        return labels.not_found(report)
    try:
        caller.require(Permission.ADD_LABELS, automation)
        if report.source is not LabelSource.EVENT or report.probability < 1:
            caller.require(Permission.WEIGH_LABELS, automation)
    except Forbidden as error:
        return error
    return None


def _shown(number: int, settled: Settled, correlation: str) -> dict[str, Any]:
    if settled.error is not None:
        shown = json.loads(problem(settled.error, correlation))
        return {"row": number, "result": settled.fate.value, "problem": shown}
    label = settled.label
    assert label is not None  # noqa: S101 - what was not refused has one
    shown = {"decision_id": str(label.decision_id), "label_id": str(label.id), "value": label.value}
    return {"row": number, "result": settled.fate.value, **shown}
