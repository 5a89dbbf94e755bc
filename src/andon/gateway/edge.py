"""Middleware around the control routes: correlation ids, checks of every request, and problem documents for errors."""

import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from andon.gateway import texts
from andon.gateway.bodies import read_body, require_json
from andon.gateway.problems import CONTENT_TYPE, headers_of, internal, problem, status_of
from andon.kernel.errors import AndonError

_CORRELATION = re.compile(r"[\x21-\x7e]{1,128}")

log = structlog.get_logger(__name__)


class Edge:
    """The middleware, as plain ASGI. It reads the body, within `max_body_bytes`, before any route does."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it."""
        headers = Headers(scope=scope)
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server leaves the body out
        correlation = _correlation(headers)
        scope.setdefault("state", {})["correlation"] = correlation
        started = False

        async def answer(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update({"X-Correlation-ID": correlation, "Cache-Control": "no-store"})
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation):
            try:
                await self._app(scope, await self._checked(scope, headers, receive), answer)
            except AndonError as error:
                await problem_response(error, correlation)(scope, receive, answer)
            except Exception:
                log.exception("request.failed", path=scope["path"])
                if not started:
                    bug = Response(internal(correlation), status_code=500, media_type=CONTENT_TYPE)
                    await bug(scope, receive, answer)

    async def _checked(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """Return a `receive` that hands out the checked body. Raises the first error of the request."""
        texts.refuse(_in_url(scope), texts.NUL)
        body = await read_body(headers, receive, self._max_body_bytes)
        if body:
            require_json(headers)
            texts.require_storable(body)
        handed_out = False

        async def whole() -> MutableMapping[str, Any]:
            nonlocal handed_out
            if handed_out:
                return await receive()
            handed_out = True
            return {"type": "http.request", "body": body, "more_body": False}

        return whole


def _in_url(scope: Scope) -> list[str]:
    """Return the places of NUL characters in the address."""
    query: bytes = scope["query_string"]
    places = ["path"] if "\0" in scope["path"] else []
    if b"%00" in query:
        places += [f"query.{name}" for name, value in parse_qsl(query.decode("latin-1")) if "\0" in name + value]
    return places


def problem_response(error: AndonError, correlation: str) -> Response:
    """Return the response that describes an error."""
    return Response(
        problem(error, correlation),
        status_code=status_of(error),
        headers=headers_of(error),
        media_type=CONTENT_TYPE,
    )


def _correlation(headers: Headers) -> str:
    """Return the caller's correlation id if it is valid, otherwise a new one."""
    given = headers.get("x-correlation-id", "")
    return given if _CORRELATION.fullmatch(given) else uuid4().hex
