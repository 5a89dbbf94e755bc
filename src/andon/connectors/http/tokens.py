"""Tokens by OAuth2 client credentials (RFC 6749 section 4.4): cached until shortly before expiry."""

import asyncio
import base64
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

from pydantic_core import from_json

from andon.actions import OverHttp
from andon.actions.ports import Answer, AnswerKind, Destination
from andon.connectors.http.settings import HttpSettings
from andon.kernel.http import request_of

_SPARE_SECONDS = 30.0
_DEFAULT_SECONDS = 300.0


@dataclass(slots=True)
class Tokens:
    """The token of one destination."""

    destination: Destination
    settings: HttpSettings
    http: OverHttp
    _token: str = ""
    _good_until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def token(self, *, instead_of: str | None = None) -> str | Answer:
        """Return a token, a new one if `instead_of` was refused; or the answer that its lack implies."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if self._token and self._token != instead_of and now < self._good_until:
                return self._token
            return await self._ask(now)

    async def _ask(self, now: float) -> str | Answer:
        settings = self.settings
        origin = self.http.origin(self.destination, settings.token_url)
        secret = "" if settings.client_secret_env is None else settings.client_secret_env.get_secret_value()
        pair = f"{quote_plus(settings.client_id or '')}:{quote_plus(secret)}".encode()
        form = {"grant_type": "client_credentials", **({"scope": settings.scope} if settings.scope else {})}
        headers = {
            "host": origin.authority,
            "authorization": f"Basic {base64.b64encode(pair).decode()}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        request = request_of("POST", origin.target, headers, urlencode(form).encode())
        got = await self.http.attempt(origin, request, self.destination, whole=True)
        if isinstance(got, Answer):
            kind = AnswerKind.REFUSED if got.kind is AnswerKind.REFUSED else AnswerKind.FAILED
            return Answer(kind, f"no token from {origin.host}: {got.detail}")
        if got.status != 200:
            return Answer(AnswerKind.FAILED, f"no token from {origin.host}: answered {got.status}", got.status)
        try:
            told = from_json(got.body)
            token, seconds = told["access_token"], float(told.get("expires_in", _DEFAULT_SECONDS))
        except (ValueError, KeyError, TypeError):
            return Answer(AnswerKind.FAILED, f"no token from {origin.host}: its answer holds none")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            return Answer(AnswerKind.FAILED, f"no token from {origin.host}: its answer holds none")
        self._token, self._good_until = token, now + seconds - min(_SPARE_SECONDS, seconds / 2)
        return token
