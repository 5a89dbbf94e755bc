"""Parameters in PostgreSQL's binary format, with whole arrays encoded at once.

A driver inspects each element of each array separately, which is slow. The formats are those of the server's `*send`
functions: an array is its dimensions, its element type, and each element preceded by its length, -1 for NULL
(src/backend/utils/adt/arrayfuncs.c, `array_send`); a time is microseconds since 2000 in UTC.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from struct import Struct
from struct import error as StructError  # noqa: N812 - the error of that class
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np

Encode: TypeAlias = Callable[[Any], bytes]
"""Encodes a value, which is not None, as the server reads it."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000

_HEAD = Struct("!iiIii")
_HEAD_BYTES = _HEAD.size
_head = _HEAD.pack
_length = Struct("!i").pack
_int2, _int4, _int8, _float8 = (Struct(f"!{code}").pack for code in "hiqd")
_each_int8 = Struct("!iq").pack
_NULL = _length(-1)
_LENGTHS = [_length(n) for n in range(4096)]
"""The encoded lengths of texts and bytes of usual sizes."""
_SIXTEEN = _length(16)
_SIZES = {"i": 4, "q": 8, "d": 8}
_MANY = 64
"""The number of values above which NumPy's fixed cost pays off."""
_TRUE, _FALSE = _length(1) + b"\1", _length(1) + b"\0"


def _array(element: int, items: list[bytes]) -> bytes:
    """Encode one dimension, counted from 1; the flag for NULLs is not needed, as the server finds them."""
    return _head(1, 1, element, len(items), 1) + b"".join(items)


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return since.days * _DAY + since.seconds * 1_000_000 + since.microseconds


def _uuids(values: Sequence[UUID]) -> bytes:
    return _array(2950, [_NULL if value is None else _SIXTEEN + value.bytes for value in values])


def _bytes(values: Sequence[bytes | None]) -> bytes:
    return _of_any_length(17, values)


def _texts(values: Sequence[Any]) -> bytes:
    try:
        return _of_any_length(25, list(map(str.encode, values)))
    except TypeError:  # a NULL
        return _of_any_length(25, [None if value is None else value.encode() for value in values])


def _of_any_length(element: int, values: Sequence[Any]) -> bytes:
    """Write each value after its length. They are joined only once: another copy would cost more than all else."""
    pieces = [_head(1, 1, element, len(values), 1)] * (1 + 2 * len(values))
    try:
        pieces[1::2] = map(_LENGTHS.__getitem__, map(len, values))
        pieces[2::2] = values
    except (TypeError, IndexError):  # a NULL, or longer than usual
        del pieces[1:]
        for value in values:
            pieces += (_NULL,) if value is None else (_length(len(value)), value)
    return b"".join(pieces)


def _integers(values: Sequence[int | None]) -> bytes:
    return _numbers(23, "i", values)


def _bigints(values: Sequence[int | None]) -> bytes:
    return _numbers(20, "q", values)


def _floats(values: Sequence[float | None]) -> bytes:
    return _numbers(701, "d", values)


def _numbers(element: int, code: str, values: Sequence[Any]) -> bytes:
    """Write numbers together, which takes half the time, unless one is a NULL."""
    head, size = _head(1, 1, element, len(values), 1), _SIZES[code]
    try:
        if len(values) >= _MANY:
            numbers = values if isinstance(values, np.ndarray) else array(code, values)
            items = np.empty(len(values), np.dtype([("length", ">i4"), ("value", f">{code}")]))
            items["length"], items["value"] = size, numbers
            return head + items.tobytes()
        sized = [size] * (2 * len(values))
        sized[1::2] = values
        return head + _packed(code, len(values))(*sized)
    except (TypeError, OverflowError, StructError):  # a NULL, or not a number, which is refused here
        each = Struct(f"!i{code}").pack
        return head + b"".join([_NULL if value is None else each(size, value) for value in values])


@cache
def _packed(code: str, count: int) -> Callable[..., bytes]:
    """Return the packer of this many numbers, each after its size."""
    return Struct(f"!{f'i{code}' * count}").pack


def _booleans(values: Sequence[bool | None]) -> bytes:
    return _array(16, [_NULL if value is None else _TRUE if value else _FALSE for value in values])


def _times(values: Sequence[datetime | None]) -> bytes:
    return _array(1184, [_NULL if value is None else _each_int8(8, _microseconds(value)) for value in values])


def numbers_in(sent: bytes, element: str) -> np.ndarray[Any, Any]:
    """Return the numbers in the output of `array_send`: one dimension, no NULLs.

    `element` is their NumPy type, big-endian.
    """
    kind = np.dtype([("length", ">i4"), ("value", element)])
    return np.frombuffer(sent, kind, offset=_HEAD_BYTES)["value"]


ENCODERS: Mapping[int, Encode] = {
    16: lambda value: b"\1" if value else b"\0",
    17: lambda value: value,
    20: _int8,
    21: _int2,
    23: _int4,
    25: str.encode,
    701: _float8,
    1000: _booleans,
    1001: _bytes,
    1007: _integers,
    1009: _texts,
    1016: _bigints,
    1022: _floats,
    1184: lambda value: _int8(_microseconds(value)),
    1185: _times,
    2950: lambda value: value.bytes,
    2951: _uuids,
}
"""The encoder of a parameter, by the number of its type (src/include/catalog/pg_type.dat)."""
