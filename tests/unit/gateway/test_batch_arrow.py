"""Arrow streams as batches: the same records however they are cut, no decompression bomb is read, no crash."""

import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.gateway.batch.arrow import ANSWERS, ArrowAnswers, ArrowRows
from andon.gateway.errors import BatchMalformed

CUTS = st.lists(st.integers(min_value=0, max_value=4000), max_size=12)
MOMENT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def stream(table: pa.Table, *, size: int = 2, **options: Any) -> bytes:
    """Return a table as an Arrow IPC stream of record batches of `size` rows."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=size)
    return sink.getvalue()


def read(chunks: Sequence[bytes], row_bytes: int = 10_000) -> list[Any]:
    """Return the rows; an error by its class."""
    rows = ArrowRows(row_bytes=row_bytes)
    found = [row for chunk in chunks for row in rows.feed(chunk)] + list(rows.end())
    assert [row.number for row in found] == list(range(rows.count))
    return [json.loads(row.given) if isinstance(row.given, bytes) else type(row.given).__name__ for row in found]


TABLE = pa.table(
    {
        "text": pa.array(["a", None, "ü", "d", ""]),
        "view": pa.array(["long enough to lie elsewhere", None, "c", "d", "e"], pa.string_view()),
        "kind": pa.array(["x", "y", "x", None, "y"]).dictionary_encode(),
        "number": pa.array([1, 2, None, 4, 5], pa.int16()),
        "share": pa.array([0.5, None, 1.5, 2.5, 3.5]),
        "yes": pa.array([True, False, None, True, False]),
        "money": pa.array([Decimal("1.50"), None, Decimal("2.00"), Decimal("3.25"), Decimal("4.00")]),
        "at": pa.array([MOMENT, None, MOMENT, MOMENT, MOMENT], pa.timestamp("ns", "UTC")),
        "day": pa.array([date(2026, 1, 2), None, None, None, None]),
        "list": pa.array([[1, 2], [], None, [3], [4]]),
        "inner": pa.array([{"a": 1}, None, {"a": None}, {"a": 4}, {"a": 5}]),
        "nothing": pa.nulls(5),
    }
)


@given(CUTS, st.integers(min_value=1, max_value=5))
def test_records_become_json_texts_however_the_stream_is_cut(cuts: list[int], size: int) -> None:
    body = stream(TABLE, size=size)
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    rows = read([body[begin:end] for begin, end in pairwise(places)])
    assert rows == json.loads(json.dumps(TABLE.to_pylist(), default=plain))
    assert rows[0]["at"] == "2026-11-25T09:30:00Z"


def plain(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else str(value)


def test_a_dictionary_may_change_between_record_batches() -> None:
    sink = io.BytesIO()
    batches = [
        pa.record_batch({"kind": pa.array(words).dictionary_encode()}) for words in (["a", "b"], ["c"], ["b", "a"])
    ]
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    assert [row["kind"] for row in read([sink.getvalue()])] == ["a", "b", "c", "b", "a"]


def test_a_value_that_is_none_in_python_is_one_bad_row() -> None:
    days = pa.array([0, 2_000_000_000, 1], pa.int32()).cast(pa.date32())
    assert read([stream(pa.table({"day": days}), size=3)]) == [
        {"day": "1970-01-01"},
        "InputMalformed",
        {"day": "1970-01-02"},
    ]


def test_a_row_that_is_too_large_is_one_bad_row() -> None:
    rows = read([stream(pa.table({"a": ["x", "y" * 200, "z"]}), size=3)], row_bytes=100)
    assert rows == [{"a": "x"}, "BodyTooLarge", {"a": "z"}]


WHOLE = stream(TABLE)
FEW, LONG = pa.array([0] * 1000, pa.int32()), "x" * 50_000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"PK\x03\x04" + b"\0" * 100, "not an Arrow IPC stream"),
        (WHOLE[:700], "within a message"),
        (WHOLE + b"x", "continues after the end"),
        (WHOLE[: len(WHOLE) - 8] + stream(TABLE), "two schemas"),
        (stream(pa.table({"a": ["x" * 500]}), compression="zstd"), "compressed"),
        (stream(pa.table({"a": [b"bytes"]})), "column a is of a type"),
        (stream(pa.table({"a": [[[1]]]})), "column a is of a type"),
        (stream(pa.table({"a": pa.array([[None]], pa.list_(pa.null()))})), "column a is of a type"),
        (stream(pa.table({"a": pa.DictionaryArray.from_arrays(FEW, [LONG])}), size=1000), "larger than 10000"),
        (
            stream(
                pa.table(
                    {"a": pa.array(["x" * 5_000], pa.string_view()), "b": pa.array(["x" * 5_001], pa.string_view())}
                )
            ),
            "larger than 10000",
        ),
        (stream(pa.table({"a": pa.array([[True] * 20_000])})), "larger than 10000"),
        (stream(pa.table({"a": pa.array([1], pa.timestamp("ns"))})), "row 0 cannot be read"),
        (stream(pa.table({"a": pa.nulls(5)}), size=5), "5 rows but no values"),
        (stream(pa.table({"a": pa.array([{}] * 5, pa.struct([]))}), size=5), "5 rows but no values"),
        (stream(pa.table([[1], [2]], names=["a", "a"])), "more than one column a"),
        (stream(pa.table({"a": pa.array([0] * 3_000_000)}), size=3_000_000), "send more but smaller ones"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_in_words(body: bytes, said: str) -> None:
    with pytest.raises(BatchMalformed, match=said):
        read([body])


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1), st.integers(min_value=1, max_value=255))
def test_a_stream_with_a_wrong_byte_is_read_or_refused_and_never_more(place: int, change: int) -> None:
    body = bytearray(WHOLE)
    body[place] ^= change
    try:
        rows = read([bytes(body)])
    except BatchMalformed:
        return
    assert len(rows) <= 5


@given(st.binary(max_size=200), st.sampled_from([0, 8, 200]))
def test_any_bytes_are_refused(garbage: bytes, after: int) -> None:
    with pytest.raises(BatchMalformed):
        read([WHOLE[:after] + b"\xff\xff\xff\xff" + garbage])


def test_answers_are_one_stream_with_every_column_for_good_rows_and_bad() -> None:
    answers = ArrowAnswers()
    good = {
        "id": "0", "automation": "a", "automation_version": 1, "outcome": "release", "rule": "r", "reasons": ["X"],
        "score": 0.5, "label": None, "confidence": 0.5, "certain": True,
        "model": {"name": "m", "version": 2, "digest": "d"}, "policy_version": "p", "correlation_id": "c",
        "decided_at": "2026-11-25T09:30:00.000001Z", "latency_ms": 1.5,
    }  # fmt: skip
    bad = {"row": 1, "error": {"status": 422, "code": "InputInvalid", "errors": [{"field": "a", "message": "b"}]}}
    content = answers.add([json.dumps(good).encode(), json.dumps(bad).encode()]) + answers.add(
        [json.dumps(good).encode()]
    )
    table = pa.ipc.open_stream(content + answers.end()).read_all()
    assert table.schema == ANSWERS
    first, second, _ = table.to_pylist()
    assert {name: value for name, value in first.items() if value is not None} == {
        **{name: value for name, value in good.items() if value is not None},
        "decided_at": datetime(2026, 11, 25, 9, 30, 0, 1, UTC),
    }
    assert (second["row"], second["error"]["status"], second["error"]["errors"], second["id"]) == (
        1, 422, [{"field": "a", "message": "b"}], None,
    )  # fmt: skip


def test_no_answers_are_an_empty_stream() -> None:
    assert pa.ipc.open_stream(ArrowAnswers().end()).read_all().num_rows == 0


def test_what_is_held_does_not_grow_with_the_stream() -> None:
    rows: Any = ArrowRows(row_bytes=1_000)
    body = stream(pa.table({"a": pa.array(["x"] * 20_000).dictionary_encode()}), size=10)
    feed: Callable[[bytes], Any] = rows.feed
    for begin in range(0, len(body), 1000):
        list(feed(body[begin : begin + 1000]))
        assert len(rows._framing._held) < 3_000
        assert len(rows._dictionaries) <= 1
    assert rows.count == 20_000
