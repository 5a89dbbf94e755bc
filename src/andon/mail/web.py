"""The HTTP API of a mail service, with tokens by OAuth 2. Requests go only to the service's own addresses.

Raises MailboxUnavailable if it does not answer, or answers with an error on which the caller cannot act.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_core import from_json

from andon.mail.errors import MailboxUnavailable

if TYPE_CHECKING:
    import ssl

    import httpx

SECONDS = 30.0
_SPARE_SECONDS, _DEFAULT_SECONDS = 60.0, 300.0
_LARGEST_ANSWER = 16 * 2**20


@dataclass(frozen=True, slots=True)
class OAuth:
    """The source of access tokens: a given token, client credentials or a refresh token. Secrets are references."""

    token: SecretStr | None = None
    token_url: str = ""
    client_id: str = ""
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    scope: str = ""

    def form(self) -> dict[str, str]:
        """Return the form of a token request."""
        found = {"client_id": self.client_id}
        if self.client_secret is not None:
            found["client_secret"] = self.client_secret.get_secret_value()
        if self.refresh_token is not None:
            return found | {"grant_type": "refresh_token", "refresh_token": self.refresh_token.get_secret_value()}
        return found | {"grant_type": "client_credentials", "scope": self.scope}


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer. `cut` is true if it was longer than allowed."""

    status: int
    content: bytes
    cut: bool = False

    def json(self) -> Any:
        """Return the answer as values. Raises MailboxUnavailable if it is not a JSON object."""
        try:
            found = from_json(self.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise MailboxUnavailable("the mail service answered with something that is not a JSON object")
        return found


class MailApi:
    """One mail service at `base`. Use from one event loop; close it."""

    def __init__(self, base: str, oauth: OAuth, *, trust: "ssl.SSLContext | None" = None) -> None:
        self._base = base.rstrip("/")
        self._oauth = oauth
        self._trust = trust
        self._client: httpx.AsyncClient | None = None
        self._token = ""
        self._good_until = 0.0
        self._asking = asyncio.Lock()

    async def get(
        self, place: str, *, headers: Mapping[str, str] | None = None, most: int = _LARGEST_ANSWER
    ) -> WebAnswer:
        """Request a path below the service, or an address that the service itself has given."""
        url = self._url(place)
        answer = await self._get(url, headers or {}, most)
        if answer.status == 401 and self._oauth.token is None:  # the token was revoked early
            self._good_until = 0.0
            answer = await self._get(url, headers or {}, most)
        if answer.status in (401, 403):
            raise MailboxUnavailable(f"{self._host} refused access ({answer.status})")
        if answer.status == 429 or answer.status >= 500:
            raise MailboxUnavailable(f"{self._host} answers {answer.status}; the request is repeated")
        return answer

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    @property
    def _host(self) -> str:
        return urlsplit(self._base).hostname or ""

    def _url(self, place: str) -> str:
        if not place.startswith(("http://", "https://")):
            return self._base + place
        named, own = urlsplit(place), urlsplit(self._base)
        if (named.scheme, named.netloc) != (own.scheme, own.netloc):
            raise MailboxUnavailable(
                f"{self._host} names an address elsewhere, which is not called: it would receive the token"
            )
        return place

    async def _get(self, url: str, headers: Mapping[str, str], most: int) -> WebAnswer:
        import httpx

        token = await self._authorized()
        content, cut = bytearray(), False
        try:
            client = self._opened()
            async with client.stream("GET", url, headers={**headers, "authorization": f"Bearer {token}"}) as got:
                async for chunk in got.aiter_bytes():
                    content += chunk[: most - len(content)]
                    if len(content) >= most:
                        cut = True
                        break
                return WebAnswer(got.status_code, bytes(content), cut)
        except (httpx.HTTPError, OSError) as error:
            raise MailboxUnavailable(f"{self._host} does not answer: {type(error).__name__}") from error

    async def _authorized(self) -> str:
        """Return a token. Raises MailboxUnavailable."""
        import httpx

        if self._oauth.token is not None:
            return self._oauth.token.get_secret_value()
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now < self._good_until:
                return self._token
            try:
                got = await self._opened().post(self._oauth.token_url, data=self._oauth.form())
            except (httpx.HTTPError, OSError) as error:
                raise MailboxUnavailable(f"no token: {type(error).__name__}") from error
            answer = WebAnswer(got.status_code, got.content)
            token = answer.json().get("access_token") if got.status_code == 200 else None
            if not isinstance(token, str) or not token.isascii() or not token.isprintable():
                raise MailboxUnavailable(
                    f"no token from {urlsplit(self._oauth.token_url).hostname} ({got.status_code})"
                )
            seconds = answer.json().get("expires_in")
            lasts = float(seconds) if isinstance(seconds, int | float) else _DEFAULT_SECONDS
            self._token, self._good_until = token, now + max(0.0, lasts - _SPARE_SECONDS)
            following = answer.json().get("refresh_token")
            if self._oauth.refresh_token is not None and isinstance(following, str) and following:
                self._oauth = replace(self._oauth, refresh_token=SecretStr(following))  # the old one may be used up
            return token

    def _opened(self) -> "httpx.AsyncClient":
        import httpx

        if self._client is None:
            trust = self._trust or httpx.create_ssl_context(trust_env=False)
            self._client = httpx.AsyncClient(verify=trust, trust_env=False, timeout=SECONDS)
        return self._client
