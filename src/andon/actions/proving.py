"""Audit entries about the answers of receivers and about dead letters: what a process writes, and its digests. Pure.

The body of such an entry holds for each answer, and for each delivery that became a dead letter: a letter (1 byte, `a`
or `d`), the id of the delivery (16) and a digest (32). The digest is SHA-256 of a JSON array without spaces, in UTF-8:

    a   attempt, delivery, number, began_at, inquiry, ended_at, kind, status, detail, result
    d   delivery, settled_at, last_error

Times are microseconds since 1970. In a result each number is written as `{"number": "..."}`, in its shortest form
without an exponent, and the members of an object are sorted by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from andon.actions.domain import Attempt
from andon.audit import Chain, Leaf
from andon.kernel.identity import PLATFORM

ANSWERED = "action.answer"
ANSWER, DEATH = b"a", b"d"
ITEM = 49
"""Bytes of an entry's body for one answer or dead letter."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


class AnswerItem(NamedTuple):
    """One item of an entry's body."""

    kind: bytes
    message: bytes
    digest: bytes


def answer_item(message_id: UUID, attempt: Attempt) -> bytes:
    """Return the item of an entry for an attempt that ended."""
    return ANSWER + message_id.bytes + answer_digest(message_id, attempt)


def death_item(message_id: UUID, settled_at: datetime, error: str | None) -> bytes:
    """Return the item of an entry for a delivery that became a dead letter."""
    return DEATH + message_id.bytes + death_digest(message_id, settled_at, error)


def answer_digest(message_id: UUID, attempt: Attempt) -> bytes:
    """Return the digest of an attempt that ended."""
    return digest_of(
        attempt.id,
        message_id,
        attempt.number,
        moment(attempt.began_at),
        attempt.inquiry,
        moment(attempt.ended_at or attempt.began_at),
        attempt.kind,
        attempt.status,
        attempt.detail,
        None if attempt.result is None else exact(attempt.result),
    )


def death_digest(message_id: UUID, settled_at: datetime, error: str | None) -> bytes:
    """Return the digest of a dead letter."""
    return digest_of(message_id, moment(settled_at), error)


def digest_of(*values: Any) -> bytes:
    """Return the digest of the values of a row; times are microseconds, and a result is `exact`."""
    return sha256(_encode(values)).digest()


def moment(at: datetime) -> int:
    """Return a time in microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def linked(chain: Chain, items: Sequence[bytes], now: datetime) -> Leaf:
    """Return the next entry of a process's chain, about these items."""
    subject = f"answers:{len(items)}"
    return chain.link(actor=PLATFORM.name, action=ANSWERED, subject=subject, body=b"".join(items), at=now)


def items_of(body: bytes) -> Iterator[AnswerItem]:
    """Yield the items of a body, ignoring an incomplete one at its end."""
    for at in range(0, len(body) - ITEM + 1, ITEM):
        yield AnswerItem(body[at : at + 1], body[at + 1 : at + 17], body[at + 17 : at + ITEM])


def exact(value: Any) -> Any:
    """Return a JSON value in a form that PostgreSQL's own notation of numbers does not change."""
    if isinstance(value, Mapping):
        return {name: exact(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [exact(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    text = format(Decimal(repr(value) if isinstance(value, float) else value), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return {"number": "0" if text == "-0" else text}
