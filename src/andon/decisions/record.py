"""The canonical record of a decision: the bytes that are stored, hashed and, years later, read again.

A record is one JSON object. The input is spliced in exactly as the caller sent it; everything else is written by us.
Its digest is SHA-256 over a random salt and the record. So the audit chain, which keeps only the digest, reveals
nothing about the person once salt and record are erased.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from msgspec import defstruct
from pydantic_core import from_json

from andon.decisions.domain import Decision, arm_name
from andon.decisions.shape import COLUMNS, FIELDS, RECORD_SHAPE, Field
from andon.decisions.shaping import texts_of, values_of
from andon.kernel.plain_json import to_json

SALT_BYTES = 16


def _written(*, once: bool) -> list[Field]:
    """Return the parts of a record that are written separately.

    A field at a path with a dot is written with the part that holds it, the input as it was received, and the
    deliveries on their own, because few decisions have any.
    """
    parts = [field for field in FIELDS.values() if field.record and "." not in field.record]
    return [field for field in parts if field.once is once and field.record not in ("input", "deliveries")]


def _struct(name: str, fields: Sequence[Field], **more: Any) -> Any:
    typed = [(field.record, Any) for field in fields]
    return defstruct(name, [*typed, *((key, Any, value) for key, value in more.items())], frozen=True, gc=False)


_own = texts_of(_written(once=False), _struct("Own", _written(once=False)))
"""Writes the parts that each decision has for itself."""

_common = values_of(_written(once=True))
"""Returns the parts that many decisions of a batch share, as a hashable value: equal ones are written once."""

_Common = _struct("Common", _written(once=True), shape=RECORD_SHAPE)


_WITH_ARM = 2
"""The first shape with arms; later ones added nothing that a reader must supply."""

_ADDED = [field for field in COLUMNS.values() if field.since > 1]
"""The fields that the first records lack."""


def encode(decisions: Sequence[Decision], deliveries: Mapping[UUID, Mapping[str, str]] | None = None) -> list[bytes]:
    """Return the records of a batch as JSON bytes. Parts that its decisions share are written once.

    `deliveries` are the digests of the deliveries that decisions set off, by decision.
    """
    written: dict[Hashable, bytes] = {}
    if not deliveries:
        return [_encode(decision, written) for decision in decisions]
    return [_encode(decision, written, deliveries.get(decision.request.id)) for decision in decisions]


def _encode(decision: Decision, written: dict[Hashable, bytes], sent: Mapping[str, str] | None = None) -> bytes:
    common = _common(decision)
    rest = written.get(common)
    if rest is None:
        rest = written[common] = to_json(_Common(*common))[1:]
    own = to_json(_own(decision))[1:-1]
    if sent is None:
        return b"".join((b'{"input":', decision.request.raw, b",", own, b",", rest))
    return b"".join((b'{"input":', decision.request.raw, b",", own, b',"deliveries":', to_json(sent), b",", rest))


def read(record: bytes) -> dict[str, Any]:
    """Read a record of any shape: fields that an older one lacks get the values of that time."""
    values = decode(record)
    if shape_of(values) < RECORD_SHAPE:
        _bring_up(values)
    return values


def decode(record: bytes) -> dict[str, Any]:
    """Decode a record as it was written."""
    values: dict[str, Any]
    try:
        values = from_json(record, cache_strings="keys")  # in a third of the time
    except ValueError:  # an input of the greatest depth that this reads is one level deeper here
        values = json.loads(record)
    return values


def digest_of(salt: bytes, record: bytes) -> bytes:
    """Return the digest of a record that the audit chain keeps: 32 bytes."""
    return sha256(salt + record).digest()


def shape_of(record: Mapping[str, Any]) -> int:
    """Return the shape of a record, which determines its fields."""
    shape: int = record.get("shape", 1)
    return shape


def _bring_up(values: dict[str, Any]) -> None:
    if shape_of(values) >= _WITH_ARM:
        return
    line = values["line"]
    line["arm"] = arm_name(line["model"]["name"], line["model"]["version"], line["policy_version"])
    values["assignment"].setdefault("policy", "")
    for field in _ADDED:
        part, _, key = field.record.rpartition(".")
        within = values.setdefault(part, {}) if part else values
        if within is not None:
            within.setdefault(key, field.before)
