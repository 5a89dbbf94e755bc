"""A body of nested brackets is refused before it costs anything."""

from time import thread_time

import pytest

from andon.gateway.batch.rows import DEEPEST, JsonRows
from andon.gateway.errors import BatchMalformed


@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["arrays", "objects"])
def test_a_row_that_is_nested_too_deep_is_refused(opening: bytes) -> None:
    rows, began = JsonRows(row_bytes=1_000_000), thread_time()
    with pytest.raises(BatchMalformed, match=f"Row 1 is nested deeper than {DEEPEST} levels"):
        list(rows.feed(b"[{}," + opening * 150_000))
    assert thread_time() - began < 0.2


def test_a_row_that_is_nested_as_deep_as_may_be_is_read() -> None:
    row = b"[" * DEEPEST + b"]" * DEEPEST
    rows = JsonRows(row_bytes=1_000_000)
    assert [one.given for one in rows.feed(b"[" + row + b", " + row + b"]")] == [row, row]


def test_brackets_in_texts_are_no_nesting() -> None:
    row = b'{"a": {"b": {"c": {"d": "' + b"[" * 1000 + b'"}}}}'
    rows = JsonRows(row_bytes=1_000_000)
    assert [one.given for one in rows.feed(b"[" + row + b"]")] == [row]
