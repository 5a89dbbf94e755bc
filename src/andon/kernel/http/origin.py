"""An origin on the network (scheme, host, port) and the connections to it.

A name is resolved and its addresses are checked before anything is sent; the connection goes to the checked address. A
request is sent at most once. An error says whether the request was already on its way.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from urllib.parse import SplitResult, quote, urlsplit

from andon.kernel.addresses import Resolve, refuse_private, resolve
from andon.kernel.http.connection import Connection, Lost, Response

IDLE_SECONDS = 4.0
"""A connection that was idle for longer is not used again: many servers close theirs after five."""

RESOLVED_SECONDS = 30.0


_KEPT = "/%:@!$&'()*+,;=~-._?"
"""The characters that need no encoding in a path or query; others are percent-encoded."""


class UrlInvalid(ValueError):
    """A URL cannot be used. The message does not contain it."""


class NotSent(Exception):
    """The request certainly did not arrive."""


class NoAnswer(Exception):
    """The request was sent, and may or may not have arrived."""


@cache
def default_tls() -> ssl.SSLContext:
    """Return the default trust, the public authorities. Loaded only where TLS is used, to save memory elsewhere."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


class HttpOrigin:
    """The connections to the origin of `url`; its path and query are `target`. `tls` replaces public authorities."""

    def __init__(
        self,
        url: str,
        *,
        allow_private: bool = False,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        parts = _parts(url)
        self.host = (parts.hostname or "").encode("idna").decode("ascii")
        self.target = quote(parts.path or "/", safe=_KEPT) + (
            f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
        )
        self.authority = (f"[{self.host}]" if ":" in self.host else self.host) + (
            f":{parts.port}" if parts.port else ""
        )
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = (tls or default_tls()) if parts.scheme == "https" else None
        self._allow_private = allow_private
        self._resolve = resolve
        self._idle: list[tuple[float, Connection]] = []
        self._addresses: list[str] = []
        self._resolved_at = 0.0

    async def send(self, request: bytes, *, within: timedelta, whole: bool = False) -> Response:
        """Send a request once and wait for its answer. Raises AddressRefused, NotSent, NoAnswer."""
        sent = False
        try:
            async with asyncio.timeout(within.total_seconds()):
                connection = self._kept() or await self._connect()
                sent = True
                return await connection.exchange(request, whole=whole)
        except Lost:
            raise NoAnswer("the connection ended") from None
        except (OSError, TimeoutError) as error:
            self._addresses = []  # resolve the name again next time
            words = self._words(error, within)
            raise (NoAnswer(words) if sent else NotSent(words)) from None

    async def close(self) -> None:
        """Close all idle connections."""
        idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.abort()
        if idle:
            await asyncio.sleep(0)  # transports close on the next turn of the loop

    def _kept(self) -> Connection | None:
        """Return the open connection that was used last, if that was recently; otherwise None."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            since, connection = self._idle.pop()
            if connection.is_open and now - since < IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        failed = OSError("no address")
        for address in await self._reachable():
            try:
                _, connection = await loop.create_connection(
                    lambda: Connection(self._keep),
                    address,
                    self._port,
                    ssl=self._tls,
                    server_hostname=None if self._tls is None else self.host,
                )
            except OSError as error:
                failed = error  # nobody listens there: the next address of the host may answer
            else:
                return connection
        raise failed

    async def _reachable(self) -> list[str]:
        """Return the checked addresses to connect to. Raises AddressRefused, OSError."""
        now = asyncio.get_running_loop().time()
        if not self._addresses or now - self._resolved_at >= RESOLVED_SECONDS:
            addresses = await self._resolve(self.host, self._port)
            if not self._allow_private:
                refuse_private(addresses)
            self._addresses, self._resolved_at = addresses, now
        return self._addresses

    def _keep(self, connection: Connection) -> None:
        self._idle.append((asyncio.get_running_loop().time(), connection))

    def _words(self, error: Exception, within: timedelta) -> str:
        """Describe an error for people, never by its own text, which may contain parts of the request."""
        if isinstance(error, socket.gaierror):
            return f"no address for host {self.host}"
        if isinstance(error, TimeoutError):
            return f"timeout after {within.total_seconds():g} s"
        return type(error).__name__


def _parts(url: str) -> SplitResult:
    """Split a URL. Raises UrlInvalid."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UrlInvalid("the url is malformed") from None
    try:
        parts.port  # noqa: B018 - looks at it
    except ValueError:
        raise UrlInvalid("Invalid port") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UrlInvalid("the url is not http:// or https:// with a host")
    if parts.username is not None or parts.password is not None:
        raise UrlInvalid("the url contains a user or password; set secrets separately")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise UrlInvalid("the url's host is not a valid name") from None
    return parts


def request_of(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return a request's bytes. Headers whose values are not printable ASCII are omitted, against injection."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value.isascii() and value.isprintable()]
    if body or method not in ("GET", "DELETE"):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
