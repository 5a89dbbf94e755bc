"""One attempt over HTTP, for all connectors that use it: the meaning of a status, a timeout or a refused address."""

import ssl
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from andon.actions.ports import Answer, AnswerKind, Destination
from andon.kernel.addresses import AddressRefused, Resolve, resolve
from andon.kernel.http import HttpOrigin, NoAnswer, NotSent, Response

_COME_BACK = {408, 409, 425, 429}
_RELAYED = {502, 504}
"""Statuses of a proxy that lost its receiver, which may have got the request."""


class OverHttp:
    """The connections of one connector, kept apart by destination."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, resolve: Resolve = resolve) -> None:
        self._tls = tls
        self._resolve = resolve
        self._origins: dict[tuple[str, str, bool], HttpOrigin] = {}

    def origin(self, destination: Destination, url: str | None = None) -> HttpOrigin:
        """Return the origin of a destination, or of another URL on its behalf. Raises UrlInvalid."""
        named = destination.name, destination.url if url is None else url, destination.allow_private
        found = self._origins.get(named)
        if found is None:
            found = self._origins[named] = HttpOrigin(
                named[1], allow_private=destination.allow_private, tls=self._tls, resolve=self._resolve
            )
        return found

    async def attempt(
        self, origin: HttpOrigin, request: bytes, destination: Destination, *, whole: bool = False
    ) -> Response | Answer:
        """Send a request once; return the response, or the answer that follows if there is none."""
        try:
            return await origin.send(request, within=destination.timeout, whole=whole)
        except AddressRefused as refused:
            return destination.refuse_address(refused)
        except NotSent as error:
            return Answer(AnswerKind.FAILED, f"could not be sent ({error})")
        except NoAnswer as error:
            return Answer(AnswerKind.UNKNOWN, f"sent, but no answer came ({error})")

    async def close(self) -> None:
        """Close all connections."""
        origins, self._origins = self._origins, {}
        for origin in origins.values():
            await origin.close()


def answer_of(status: int, retry_after: str | None, *, now: datetime) -> Answer:
    """Return an HTTP status as an answer."""
    said = f"answered {status} {_phrase(status)}".rstrip()
    if 200 <= status < 300:
        return Answer(AnswerKind.DELIVERED, said, status)
    if status == HTTPStatus.GONE:
        return Answer(AnswerKind.REFUSED, said, status, disable=True)
    if 300 <= status < 400:
        detail = f"{said}: redirects are not followed; put the final address in andon.toml"
        return Answer(AnswerKind.REFUSED, detail, status)
    if status < 500 and status not in _COME_BACK:
        return Answer(AnswerKind.REFUSED, said, status)
    kind = AnswerKind.UNKNOWN if status in _RELAYED else AnswerKind.FAILED
    return Answer(kind, said, status, retry_after=span_of(retry_after, now=now))


def span_of(retry_after: str | None, *, now: datetime) -> timedelta | None:
    """Return a `Retry-After` header (seconds or a date) as a span from now; None if it is missing or malformed."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:12]), 10**9))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(moment - now, timedelta()) if moment.tzinfo is not None else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
