"""Rows are cut out of a body that arrives in any pieces, and what is wrong is said with the number of its row."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.gateway.batch.rows import BatchRow, JsonRows, NdjsonRows, RowReader
from andon.gateway.errors import BatchMalformed, BodyTooLarge

LIMIT = 60

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=5), DOCUMENTS, max_size=3)
CUTS = st.lists(st.integers(min_value=0, max_value=400), max_size=12)


def pieces(body: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    return [body[begin:end] for begin, end in pairwise(places)]


def read(rows: RowReader, chunks: Sequence[bytes]) -> tuple[list[tuple[int, bytes | type]], str]:
    """Return the rows, and the final message about the whole."""
    found: list[tuple[int, bytes | type]] = []

    def every() -> Iterator[BatchRow]:
        for chunk in chunks:
            yield from rows.feed(chunk)
        yield from rows.end()

    try:
        for row in every():
            found.append((row.number, row.given if isinstance(row.given, bytes) else type(row.given)))  # noqa: PERF401
    except BatchMalformed as error:
        return found, str(error)
    return found, ""


@given(st.lists(OBJECTS | DOCUMENTS, max_size=6), CUTS, st.sampled_from([None, 1]), st.booleans())
def test_an_array_gives_its_elements_however_it_is_cut(
    documents: list[Any], cuts: list[int], indent: int | None, escaped: bool
) -> None:
    body = json.dumps(documents, indent=indent, ensure_ascii=escaped).encode()
    rows, wrong = read(JsonRows(row_bytes=10_000), pieces(body, cuts))
    assert wrong == ""
    assert [number for number, _ in rows] == list(range(len(documents)))
    assert [json.loads(text) for _, text in rows if isinstance(text, bytes)] == documents


@given(st.lists(DOCUMENTS, max_size=6), CUTS, st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.booleans())
def test_lines_give_their_documents_however_they_are_cut(
    documents: list[Any], cuts: list[int], newline: bytes, ends: bool
) -> None:
    body = newline.join(json.dumps(document).encode() for document in documents) + (newline if ends else b"")
    rows, wrong = read(NdjsonRows(row_bytes=10_000), pieces(body, cuts))
    assert wrong == ""
    assert [json.loads(text) for _, text in rows if isinstance(text, bytes)] == documents


GARBAGE = st.text(alphabet='[]{},:"\\ \n1ae', max_size=120).map(str.encode)


@pytest.mark.parametrize("kind", [JsonRows, NdjsonRows])
@given(body=GARBAGE | GARBAGE.map(lambda text: b"[" + text + b"]"), cuts=CUTS)
def test_whatever_comes_is_read_alike_however_it_is_cut(
    kind: Callable[..., RowReader], body: bytes, cuts: list[int]
) -> None:
    whole = read(kind(row_bytes=20), [body])
    assert read(kind(row_bytes=20), pieces(body, cuts)) == whole
    assert read(kind(row_bytes=20), [bytes([byte]) for byte in body]) == whole


@given(st.lists(st.integers(min_value=1, max_value=3 * LIMIT), max_size=8), CUTS, st.booleans())
def test_a_row_that_is_too_large_is_one_bad_row_and_no_other(sizes: list[int], cuts: list[int], nested: bool) -> None:
    documents = [[["x" * size]] if nested else {"x": "x" * size} for size in sizes]
    texts = [json.dumps(document).encode() for document in documents]
    expected = [(n, text if len(text) <= LIMIT else BodyTooLarge) for n, text in enumerate(texts)]
    assert read(JsonRows(row_bytes=LIMIT), pieces(b"[" + b",".join(texts) + b"]", cuts)) == (expected, "")
    assert read(NdjsonRows(row_bytes=LIMIT), pieces(b"\n".join(texts), cuts)) == (expected, "")


@pytest.mark.parametrize(
    ("body", "rows", "wrong"),
    [
        (b"", 0, "empty"),
        (b"  \n ", 0, "empty"),
        (b'{"a": 1}', 0, "not a JSON array"),
        (b"[1, 2", 1, "within or after row 1"),
        (b'[1, "2]', 1, "within or after row 1"),
        (b"[1,,2]", 1, "Row 1 is missing"),
        (b"[1,2,]", 2, "Row 2 is missing"),
        (b"[1,2}]", 1, "Row 1 closes a bracket"),
        (b"[1] [2]", 1, "continues after the array, which had 1 rows"),
    ],
)
def test_what_is_no_array_is_refused_in_words_that_name_the_row(body: bytes, rows: int, wrong: str) -> None:
    found, said = read(JsonRows(row_bytes=LIMIT), [body])
    assert (len(found), wrong in said) == (rows, True), said


@pytest.mark.parametrize("kind", [JsonRows, NdjsonRows])
def test_what_is_held_never_grows_with_the_body(kind: Callable[..., Any]) -> None:
    rows = kind(row_bytes=1_000)
    found = 0
    for chunk in (
        b"[",
        b'{"a": "',
        *[b"x" * 5_000] * 400,
        b'"}',
        b"," + b" " * 5_000,
        b"\n{}",
        b"]",
        *[b" " * 1_000] * 100,
    ):
        found += len(list(rows.feed(chunk)))
        assert len(rows._held if isinstance(rows, JsonRows) else rows._line) <= 6_100
    assert found >= 1
