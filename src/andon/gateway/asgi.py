"""ASGI helpers for the routes below FastAPI."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

from andon.wire import headers_of_lines

Scope: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def headers_of_scope(scope: Scope) -> dict[str, str]:
    """Read the request's headers; names are in small letters."""
    return headers_of_lines(scope["headers"])


async def begin(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """Send the head of an answer. Without a Content-Type it is JSON."""
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    if "Content-Type" not in headers:
        lines.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": lines})


async def respond(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a whole answer. Without a Content-Type it is JSON."""
    await begin(send, status, {**headers, "Content-Length": str(len(body))})
    await send({"type": "http.response.body", "body": body})
