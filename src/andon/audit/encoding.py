r"""The bytes that are hashed, so that an outsider can check the log without this code. All numbers are big-endian.

    leaf        "andon.entry/1\n"  writer(16)  seq(i64)  prev_hash(32)  at(i64)  actor  action  subject  body
    checkpoint  "andon.check/1\n"  number(i64)  prev_hash(32)  at(i64)  chains(i64)  entries(i64)
                then for each head, by writer ascending: writer(16)  seq(i64)  hash(32)

`at` is microseconds since 1970 in UTC; actor, action and subject are UTF-8; these and the body each follow their length
in bytes (u32). A hash is SHA-256 of the whole. In the control chain (writer 0) the body is the canonical JSON of
RFC 8785 of `{"after": ..., "before": ..., "reason": ...}`. Where the entry vouches for rows, it also has `"rows"`: see
`rows.py`.
"""

import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from hashlib import sha256
from operator import attrgetter
from typing import Any
from uuid import UUID

import rfc8785

from andon.audit.domain import ChainHead, Checkpoint, Leaf
from andon.audit.errors import EntryInvalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LEAF = struct.Struct(">14s16sq32sq")
_CHECKPOINT = struct.Struct(">14sq32sqqq")
_HEAD = struct.Struct(">16sq32s")
_LENGTH = struct.Struct(">I")
_LEAF_MARK = b"andon.entry/1\n"
_CHECKPOINT_MARK = b"andon.check/1\n"


def leaf_hash(
    writer: UUID, seq: int, prev_hash: bytes, at: datetime, actor: str, action: str, subject: str, body: bytes
) -> bytes:
    """Return the hash of a leaf with these contents."""
    who, what, which, size = actor.encode(), action.encode(), subject.encode(), _LENGTH.pack
    return sha256(
        b"".join(
            (
                _LEAF.pack(_LEAF_MARK, writer.bytes, seq, prev_hash, (at - _EPOCH) // _MICROSECOND),
                size(len(who)),
                who,
                size(len(what)),
                what,
                size(len(which)),
                which,
                size(len(body)),
                body,
            )
        )
    ).digest()


def hash_of(leaf: Leaf) -> bytes:
    """Return the hash that a leaf must have, from its other fields."""
    return leaf_hash(leaf.writer, leaf.seq, leaf.prev_hash, leaf.at, leaf.actor, leaf.action, leaf.subject, leaf.body)


def checkpoint_hash(
    number: int, prev_hash: bytes, at: datetime, chains: int, entries: int, heads: Iterable[ChainHead]
) -> bytes:
    """Return the hash of a checkpoint with these contents."""
    digest = sha256(
        _CHECKPOINT.pack(_CHECKPOINT_MARK, number, prev_hash, (at - _EPOCH) // _MICROSECOND, chains, entries)
    )
    for head in sorted(heads, key=attrgetter("writer")):
        digest.update(_HEAD.pack(head.writer.bytes, head.seq, head.hash))
    return digest.digest()


def hash_of_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the hash that a checkpoint must have, from its other fields."""
    return checkpoint_hash(
        checkpoint.number,
        checkpoint.prev_hash,
        checkpoint.at,
        checkpoint.chains,
        checkpoint.entries,
        checkpoint.heads,
    )


def change_body(
    reason: str | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    rows: Mapping[str, str | None] | None = None,
) -> bytes:
    """Return the body of a control leaf. Raises EntryInvalid where JSON is not exact (NaN, integers beyond 2^53)."""
    body = {"reason": reason, "before": _plain(before), "after": _plain(after)}
    try:
        return rfc8785.dumps(body | ({"rows": dict(rows)} if rows else {}))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise EntryInvalid(f"The audit log cannot represent this exactly: {error}") from error


def storable(text: str) -> bool:
    """Return whether PostgreSQL and UTF-8 can hold this text at all."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _plain(value: Any) -> Any:
    """Return a value in types of JSON: times in ISO 8601, identifiers as text, enumerations by value."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
