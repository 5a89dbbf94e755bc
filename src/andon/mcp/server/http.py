"""The server over stateless HTTP: each request is one POST with the caller's key, bounded, for named hosts only."""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from ipaddress import ip_address
from typing import Any

from andon.mcp.errors import McpAddressInvalid

PATH = "/mcp"
LARGEST_REQUEST = 1024 * 1024
"""The most bytes of one request."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

_KEY = re.compile(rb"(?i:bearer) +[\x21-\x7e]{1,500} *")

_Scope = MutableMapping[str, Any]
_Send = Callable[[dict[str, Any]], Awaitable[None]]


def address_of(text: str, allowed: Sequence[str]) -> tuple[str, int]:
    """Return host and port of HOST:PORT. Raises McpAddressInvalid."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise McpAddressInvalid(f"--http must be like 127.0.0.1:8090, not {text!r}")
    if not _is_loopback(host) and not allowed:
        raise McpAddressInvalid(
            f"--http {text} can be reached from other machines: name the host in their requests with --allowed-host,"
            " and put a proxy with TLS in front"
        )
    return host, int(port)


def bearer_of(context: Any) -> str:
    """Return the key of the HTTP request that a message came with."""
    kind, _, key = context.request.headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


class McpApplication:
    """The ASGI application: it checks path and key, and hands the request to the library's session manager."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    async def __call__(self, scope: _Scope, receive: Any, send: _Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await _refuse(send, 404, f"The only path here is {PATH}")
            return
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1 or not _KEY.fullmatch(given[0]):
            await _refuse(send, 401, "An API key of Andon is needed: Authorization: Bearer ...")
            return
        await self._manager.asgi_app(scope, receive, send)


def create_manager(server: Any, port: int, allowed: Sequence[str]) -> Any:
    """Build the library's session manager without sessions, so that no state is kept between requests."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings

    hosts = [*(f"{name}:{port}" for name in _LOOPBACK), *_LOOPBACK, *allowed]
    origins = [f"http://{name}:{port}" for name in _LOOPBACK] + [f"https://{name}" for name in allowed]
    return StreamableHTTPSessionManager(
        app=server,
        json_response=True,
        stateless=True,
        max_request_body_size=LARGEST_REQUEST,
        security_settings=TransportSecuritySettings(
            enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins
        ),
    )


async def serve(server: Any, host: str, port: int, allowed: Sequence[str], ready: Callable[[], None]) -> None:
    """Serve requests until a signal asks to end."""
    from andon.wire import HttpServer

    manager = create_manager(server, port, allowed)
    ended = asyncio.Event()
    async with manager.run():
        await HttpServer(McpApplication(manager), host=host, port=port, ending=ended.set, ready=ready).serve()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _refuse(send: _Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="andon"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
