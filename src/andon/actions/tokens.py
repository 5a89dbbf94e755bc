"""Access tokens of HTTP APIs: fetched once for many requests, renewed shortly before they expire or when refused."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

from pydantic_core import from_json

from andon.actions.over_http import OverHttp
from andon.actions.ports import Answer, AnswerKind, Destination
from andon.kernel.http import request_of

_SPARE_SECONDS = 30.0
_DEFAULT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class FetchedToken:
    """A token, and the seconds for which it is valid."""

    text: str = field(repr=False)
    seconds: float = _DEFAULT_SECONDS


@dataclass(slots=True)
class Tokens:
    """The token of one destination."""

    fetch: Callable[[], Awaitable[FetchedToken | Answer]]
    _token: str = field(default="", repr=False)
    _good_until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def token(self, *, instead_of: str | None = None) -> str | Answer:
        """Return a token, a new one if `instead_of` was refused, or an answer that says why there is none."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if self._token and self._token != instead_of and now < self._good_until:
                return self._token
            fetched = await self.fetch()
            if isinstance(fetched, Answer):
                return fetched
            self._token = fetched.text
            self._good_until = now + fetched.seconds - min(_SPARE_SECONDS, fetched.seconds / 2)
            return self._token


def fixed_token(text: str) -> Tokens:
    """Return a source that always gives the same token."""

    async def fetch() -> FetchedToken:
        return FetchedToken(text, float("inf"))

    return Tokens(fetch)


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A grant of OAuth2 client credentials (RFC 6749 section 4.4); `in_body` sends the secret in the form."""

    url: str
    client_id: str
    secret: str = field(repr=False)
    scope: str | None = None
    in_body: bool = False

    async def fetch(self, http: OverHttp, destination: Destination) -> FetchedToken | Answer:
        """Ask for a token once."""
        form = {"grant_type": "client_credentials", **({"scope": self.scope} if self.scope else {})}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if self.in_body:
            form |= {"client_id": self.client_id, "client_secret": self.secret}
        else:
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return await fetch_token(http, destination, self.url, urlencode(form).encode(), headers)


async def fetch_token(
    http: OverHttp,
    destination: Destination,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    field_name: str = "access_token",
) -> FetchedToken | Answer:
    """Post a request for a token, and read it from a field of the answer."""
    origin = http.origin(destination, url)
    given = {"host": origin.authority, "accept": "application/json", **headers}
    got = await http.attempt(origin, request_of("POST", origin.target, given, body), destination, whole=True)
    if isinstance(got, Answer):
        kind = AnswerKind.REFUSED if got.kind is AnswerKind.REFUSED else AnswerKind.FAILED
        return Answer(kind, f"no token from {origin.host}: {got.detail}")
    if got.status not in (200, 201):
        return Answer(AnswerKind.FAILED, f"no token from {origin.host}: answered {got.status}", got.status)
    try:
        answered = from_json(got.body)
        token, seconds = answered[field_name], float(answered.get("expires_in", _DEFAULT_SECONDS))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Answer(AnswerKind.FAILED, f"no token from {origin.host}: its answer holds none")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        return Answer(AnswerKind.FAILED, f"no token from {origin.host}: its answer holds none")
    return FetchedToken(token, seconds)
