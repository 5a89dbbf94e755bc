"""Request bodies: read whole, never more in memory than allowed, and required to be plain JSON."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

from andon.gateway.errors import BodyIncomplete, BodyTooLarge, MediaTypeUnsupported

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def read_body(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes:
    """Read the whole body with at most `limit` bytes and one chunk in memory. Raises BodyTooLarge, BodyIncomplete."""
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    chunks = bytearray()
    while True:
        if message["type"] != "http.request":
            raise BodyIncomplete
        chunks += message.get("body", b"")
        if len(chunks) > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return bytes(chunks)
        message = await receive()


def media_of(headers: Mapping[str, str]) -> str:
    """Return the media type of a body, without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def require_plain(headers: Mapping[str, str]) -> None:
    """Require a body without compression, whose size is known before it is read. Raises MediaTypeUnsupported."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise MediaTypeUnsupported("The body must not be compressed")


def require_json(headers: Mapping[str, str]) -> None:
    """Require the headers of a JSON body in UTF-8 without compression. Raises MediaTypeUnsupported."""
    require_plain(headers)
    if media_of(headers) != "application/json":
        raise MediaTypeUnsupported
    charset = headers["content-type"].partition(";")[2].strip().lower()
    if charset and charset not in ("charset=utf-8", 'charset="utf-8"'):
        raise MediaTypeUnsupported("The body must be `application/json` in UTF-8")


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes")
