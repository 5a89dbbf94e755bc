"""What a receiver's HTTP status says about a delivery."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from andon.actions.ports import Answer, AnswerKind

_COME_BACK = {408, 409, 425, 429}
_RELAYED = {502, 504}
"""A proxy lost sight of the receiver, which may have got the request."""


def answer_of(status: int, retry_after: str | None, *, now: datetime) -> Answer:
    """An HTTP status as an answer."""
    said = f"answered {status} {_phrase(status)}".rstrip()
    if 200 <= status < 300:
        return Answer(AnswerKind.DELIVERED, said, status)
    if status == HTTPStatus.GONE:
        return Answer(AnswerKind.REFUSED, said, status, disable=True)
    if 300 <= status < 400:
        detail = f"{said}: redirects are not followed, put the final address into andon.toml"
        return Answer(AnswerKind.REFUSED, detail, status)
    if status < 500 and status not in _COME_BACK:
        return Answer(AnswerKind.REFUSED, said, status)
    kind = AnswerKind.UNKNOWN if status in _RELAYED else AnswerKind.FAILED
    return Answer(kind, said, status, retry_after=span_of(retry_after, now=now))


def span_of(retry_after: str | None, *, now: datetime) -> timedelta | None:
    """A `Retry-After` header (seconds or a date) as a span from now; None if there is none that makes sense."""
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
