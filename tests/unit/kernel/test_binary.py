"""Arrays of parameters are the bytes that PostgreSQL's `array_recv` reads, however many values and NULLs they hold."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.kernel.binary import ENCODERS

NUMBERS = {
    "int4": (1007, 23, "i", st.integers(-(2**31), 2**31 - 1)),
    "int8": (1016, 20, "q", st.integers(-(2**63), 2**63 - 1)),
    "float8": (1022, 701, "d", st.floats(allow_nan=False)),
}


def written(element: int, pieces: list[bytes | None]) -> bytes:
    """Return an array of one dimension by the server's documentation, element by element."""
    items = b"".join(
        struct.pack("!i", -1) if piece is None else struct.pack("!i", len(piece)) + piece for piece in pieces
    )
    return struct.pack("!iiIii", 1, 1, element, len(pieces), 1) + items


@pytest.mark.parametrize("kind", NUMBERS)
@given(st.data())
def test_numbers_are_written_as_one_by_one(kind: str, data: st.DataObject) -> None:
    oid, element, code, numbers = NUMBERS[kind]
    size = data.draw(st.sampled_from([0, 1, 2, 31, 63, 64, 65, 150]))
    few = data.draw(st.lists(numbers, min_size=1, max_size=20))
    values: list[Any] = [few[n % len(few)] for n in range(size)]
    for at in data.draw(st.lists(st.integers(0, size - 1), max_size=3)) if size else ():
        values[at] = None
    pieces = [None if value is None else struct.pack(f"!{code}", value) for value in values]
    assert ENCODERS[oid](values) == written(element, pieces)


@given(
    st.lists(st.none() | st.binary(max_size=20) | st.sampled_from([b"x" * 4095, b"x" * 4096, b"x" * 5000]), max_size=12)
)
def test_bytes_and_texts_of_any_length_are_written_as_one_by_one(values: list[bytes | None]) -> None:
    assert ENCODERS[1001](values) == written(17, values)
    texts = [None if value is None else value.hex() for value in values]
    assert ENCODERS[1009](texts) == written(25, [None if text is None else text.encode() for text in texts])


@pytest.mark.parametrize("size", [3, 100])
@pytest.mark.parametrize(("oid", "wrong"), [(1007, 2**31), (1016, 2**63), (1016, "7"), (1022, "0.5")])
def test_what_is_no_such_number_is_refused(oid: int, wrong: Any, size: int) -> None:
    with pytest.raises(struct.error):
        ENCODERS[oid]([1] * size + [wrong])
