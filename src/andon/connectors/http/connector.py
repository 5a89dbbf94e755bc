"""One JSON request to an HTTP API per delivery.

A 401 means that the request was not taken, so it is sent once more with a new token within the same attempt.
"""

import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from andon.actions import ClientCredentials, OverHttp, Template, Tokens, ValueMissing, answer_of, fill_json, values_of
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.http.settings import HttpOptions, HttpSettings
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import HttpOrigin, Response, UrlInvalid, request_of
from andon.version import __version__


class HttpConnector:
    """Calls APIs, keeping connections and tokens of each destination."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, *, tls: ssl.SSLContext | None = None, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._http = OverHttp(tls=tls, resolve=resolve)
        self._tokens: dict[Destination, Tokens] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Send the request once; after a 401 once more, with a new token."""
        settings, values = _settings(delivery), values_of(delivery)
        options = HttpOptions.model_validate(dict(delivery.options))
        try:
            path = Template(options.path).fill(values, quote=_quoted)
            body = json.dumps(delivery.data if options.body is None else fill_json(options.body, values)).encode()
            extra = {name: Template(value).fill(values) for name, value in options.headers.items()}
        except ValueMissing as missing:
            return Answer(AnswerKind.REFUSED, str(missing))
        headers = {**extra, "content-type": "application/json"}
        if settings.key_header:
            headers[settings.key_header] = str(delivery.key)
        got = await self._call(
            delivery, settings, options.method, path, headers, b"" if options.method == "GET" else body
        )
        if isinstance(got, Answer):
            return got
        return answer_of(got.status, got.headers.get("retry-after"), now=self._clock.now())

    def can_inquire(self, delivery: Delivery) -> bool:
        """Return whether the destination has an address for inquiries."""
        return _settings(delivery).inquire is not None

    async def inquire(self, delivery: Delivery) -> Answer:
        """Ask by GET: 2xx means taken, 404 not taken."""
        settings = _settings(delivery)
        try:
            path = Template(settings.inquire or "").fill(values_of(delivery), quote=_quoted)
        except ValueMissing as missing:
            return Answer(AnswerKind.UNKNOWN, str(missing))
        got = await self._call(delivery, settings, "GET", path, {}, b"")
        if isinstance(got, Answer):
            return Answer(AnswerKind.UNKNOWN, got.detail, got.status)
        if 200 <= got.status < 300:
            return Answer(AnswerKind.DELIVERED, f"asked, it answered {got.status}: it was taken", got.status)
        if got.status == 404:
            return Answer(AnswerKind.FAILED, "asked, it answered 404: it was not taken", got.status)
        return Answer(AnswerKind.UNKNOWN, f"it answered {got.status}", got.status)

    async def close(self) -> None:
        """Close all connections, and forget the tokens."""
        self._tokens.clear()
        await self._http.close()

    async def _call(
        self,
        delivery: Delivery,
        settings: HttpSettings,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Response | Answer:
        destination = delivery.destination
        try:
            origin = self._http.origin(destination)
            if settings.token_url is None:
                return await self._send(delivery, origin, method, path, {**headers, **_fixed(settings)}, body)
            tokens = self._tokens_of(destination, settings)
            token = await tokens.token()
            if isinstance(token, Answer):
                return token
            got = await self._send(delivery, origin, method, path, {**headers, **_bearer(token)}, body)
            if isinstance(got, Answer) or got.status != 401:
                return got
            token = await tokens.token(instead_of=token)
            if isinstance(token, Answer):
                return token
            return await self._send(delivery, origin, method, path, {**headers, **_bearer(token)}, body)
        except UrlInvalid as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{destination.name}] cannot be used: {error}")

    def _tokens_of(self, destination: Destination, settings: HttpSettings) -> Tokens:
        if destination not in self._tokens:
            secret = "" if settings.client_secret_env is None else settings.client_secret_env.get_secret_value()
            grant = ClientCredentials(settings.token_url or "", settings.client_id or "", secret, settings.scope)
            self._tokens[destination] = Tokens(lambda: grant.fetch(self._http, destination))
        return self._tokens[destination]

    async def _send(
        self, delivery: Delivery, origin: HttpOrigin, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Response | Answer:
        given: dict[str, Any] = {
            "host": origin.authority,
            "user-agent": f"andon/{__version__}",
            "accept": "application/json",
            **headers,
            "x-correlation-id": delivery.correlation_id,
        }
        if delivery.traceparent:
            given["traceparent"] = delivery.traceparent
        target = origin.target.rstrip("/") + path if path else origin.target
        return await self._http.attempt(origin, request_of(method, target, given, body), delivery.destination)


def _settings(delivery: Delivery) -> HttpSettings:
    return delivery.destination.settings_of("http", HttpSettings)


def _fixed(settings: HttpSettings) -> dict[str, str]:
    return {} if settings.header_env is None else {settings.header: settings.header_env.get_secret_value()}


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _quoted(text: str) -> str:
    """Return a value as one path segment, whatever it contains."""
    return "%2E" * len(text) if text in (".", "..") else quote(text, safe="")
