"""Rows read from an Arrow IPC stream, and answers written as one. Needs the extra `arrow`; import it only for Arrow.

One record batch is held at a time, and validated in full before its values are read. Column types are refused if a few
bytes of theirs can stand for many.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any, get_args
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import from_json, to_json

from andon.cord import LineState
from andon.decisions import InputMalformed, ModelRef
from andon.gateway.answers import ANSWERED
from andon.gateway.batch.arrow_framing import DICTIONARY, RECORDS, SCHEMA, ArrowMessage, Framing
from andon.gateway.batch.rows import BatchRow, too_large
from andon.gateway.errors import BatchMalformed
from andon.kernel.errors import AndonError

MESSAGE_BYTES = 16 << 20
"""The largest record batch, and the largest sum of all dictionaries."""

_AT_ONCE = 32
"""Rows that are converted to Python values at a time."""


class ArrowRows:
    """Reads the records of one stream, each as the JSON text that the ledger keeps."""

    def __init__(self, *, row_bytes: int) -> None:
        self.count = 0
        self._row_bytes = row_bytes
        self._framing = Framing(message_bytes=MESSAGE_BYTES)
        self._schema = b""
        self._dictionaries: list[ArrowMessage] = []

    def feed(self, chunk: bytes) -> Iterator[BatchRow]:
        """Yield the records of the batches that are complete. Raises BatchMalformed."""
        for message in self._framing.feed(chunk):
            if message.compressed:
                raise BatchMalformed("The record batches are compressed: send them uncompressed")
            if message.kind == SCHEMA:
                self._begin(message)
            elif message.kind == DICTIONARY:
                self._keep(message)
            elif message.kind == RECORDS:
                yield from self._records(message)

    def end(self) -> Iterator[BatchRow]:
        """Yield nothing more. Raises BatchMalformed if the body was no complete stream."""
        self._framing.end()
        if not self._schema:
            raise BatchMalformed("The body is empty: expected an Arrow IPC stream")
        return iter(())

    def _begin(self, message: ArrowMessage) -> None:
        if self._schema:
            raise BatchMalformed("The Arrow stream has two schemas")
        self._schema = message.content
        try:
            schema = pa.ipc.open_stream(pa.py_buffer(self._schema)).schema
            names = schema.names
            refused = [(name, kind) for name, kind in zip(names, schema.types, strict=True) if not _is_taken(kind)]
        except (pa.ArrowException, OSError, ValueError) as error:
            raise BatchMalformed(f"The schema of the Arrow stream cannot be used: {error}") from error
        for name, kind in refused:
            raise BatchMalformed(f"The column {name} is of a type that a batch does not accept: {kind}")
        for name in names:
            if names.count(name) > 1:
                raise BatchMalformed(f"The Arrow stream has more than one column {name}")

    def _keep(self, message: ArrowMessage) -> None:
        """Keep a dictionary in place of the earlier one with the same id, unless it adds to that."""
        if not message.adds:
            self._dictionaries = [d for d in self._dictionaries if d.dictionary != message.dictionary]
        self._dictionaries.append(message)
        if sum(len(d.content) for d in self._dictionaries) > MESSAGE_BYTES:
            raise BatchMalformed(f"The dictionaries of the Arrow stream are larger than {MESSAGE_BYTES} bytes")

    def _records(self, message: ArrowMessage) -> Iterator[BatchRow]:
        alone = b"".join([self._schema, *(d.content for d in self._dictionaries), message.content])
        try:
            batch = pa.ipc.open_stream(pa.py_buffer(alone)).read_next_batch()
            batch.validate(full=True)
            batch = _in_microseconds(batch)
            largest = sum(map(_longest, batch.columns))
        except (pa.ArrowException, OSError, ValueError, StopIteration) as error:
            raise BatchMalformed(f"The record batch at row {self.count} cannot be read: {error}") from error
        if batch.num_rows > 8 * batch.nbytes:
            raise BatchMalformed(f"The record batch at row {self.count} has {batch.num_rows} rows but no values")
        if largest > self._row_bytes:
            raise BatchMalformed(
                f"A row of the record batch at row {self.count} is larger than {self._row_bytes} bytes"
            )
        for begin in range(0, batch.num_rows, _AT_ONCE):
            for record in _values(batch.slice(begin, _AT_ONCE)):
                self.count += 1
                yield BatchRow(self.count - 1, self._text(record))

    def _text(self, record: dict[str, Any] | AndonError) -> bytes | AndonError:
        if isinstance(record, AndonError):
            return record
        text = to_json(record, inf_nan_mode="constants")
        return text if len(text) <= self._row_bytes else too_large(self.count - 1, self._row_bytes)


def _values(batch: Any) -> Iterator[dict[str, Any] | AndonError]:
    """Yield the records as Python values, and an error for each that has none (such as one of the year 30000)."""
    try:
        yield from batch.to_pylist()
    except (ValueError, ArithmeticError, LookupError, pa.ArrowException) as error:
        if batch.num_rows == 1:
            yield InputMalformed(f"A value of this row cannot be read: {error}")
            return
        for number in range(batch.num_rows):
            yield from _values(batch.slice(number, 1))


def _in_microseconds(batch: Any) -> Any:
    """Return the batch with nanoseconds cast to microseconds. Raises pyarrow.ArrowInvalid if that loses a value."""
    fields = [
        field.with_type(pa.timestamp("us", field.type.tz))
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns"
        else field
        for field in batch.schema
    ]
    schema = pa.schema(fields)
    return batch if schema.equals(batch.schema) else batch.cast(schema)


def _is_taken(kind: Any) -> bool:
    """Return whether a column may be of this type: a plain type, or a list or struct of plain types."""
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_plain(kind.value_type)
    if pa.types.is_struct(kind):
        return all(_is_plain(field.type) for field in kind)
    return _is_plain(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind)


def _is_plain(kind: Any) -> bool:
    of = pa.types
    number = of.is_boolean(kind) or of.is_integer(kind) or of.is_floating(kind) or of.is_decimal(kind)
    moment = of.is_timestamp(kind) or of.is_date(kind) or of.is_time32(kind)
    return bool(number or moment or of.is_string(kind) or of.is_large_string(kind))


def _longest(column: Any) -> int:
    """Return the longest value of a column whose rows may share bytes or hold many values; 0 for other columns."""
    kind = column.type
    if pa.types.is_string_view(kind):
        views = column.buffers()[1]
        return int(np.frombuffer(views, "<i4", 4 * len(column))[::4].max(initial=0)) if len(column) else 0
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pc.max(pc.list_value_length(column)).as_py() or 0
    if pa.types.is_dictionary(kind) and (
        pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)
    ):
        return pc.max(pc.binary_length(column.dictionary)).as_py() or 0
    return 0


_PROBLEM = pa.struct(
    [
        ("type", pa.string()),
        ("title", pa.string()),
        ("status", pa.int32()),
        ("detail", pa.string()),
        ("instance", pa.string()),
        ("code", pa.string()),
        ("errors", pa.list_(pa.struct([("field", pa.string()), ("message", pa.string())]))),
    ]
)

_ARROW: Mapping[Any, Any] = {
    UUID: pa.string(),
    str: pa.string(),
    LineState: pa.string(),
    int: pa.int32(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", "UTC"),
    tuple[str, ...]: pa.list_(pa.string()),
    ModelRef: pa.struct([("name", pa.string()), ("version", pa.int32()), ("digest", pa.string())]),
}


def _arrow(kind: Any) -> Any:
    """Return the Arrow type of a field's values. Every column may hold nulls."""
    return _ARROW[kind] if kind in _ARROW else next(_ARROW[one] for one in get_args(kind) if one in _ARROW)


ANSWERS = pa.schema(
    [*((field.path, _arrow(field.type)) for field in ANSWERED), ("row", pa.int64()), ("error", _PROBLEM)]
)
"""The columns of the answers: the fields of a decision, or the number and the problem of a bad row."""


class ArrowAnswers:
    """Writes answers as an Arrow IPC stream, with one record batch for all that are ready together."""

    content_type = "application/vnd.apache.arrow.stream"

    def __init__(self) -> None:
        self._sink = BytesIO()
        self._writer = pa.ipc.new_stream(self._sink, ANSWERS)

    def add(self, answers: Sequence[bytes]) -> bytes:
        """Return the bytes that add these answers to the stream."""
        records = [from_json(answer) for answer in answers]
        for record in records:
            if "decided_at" in record:
                record["decided_at"] = datetime.fromisoformat(record["decided_at"])
        self._writer.write_batch(pa.RecordBatch.from_pylist(records, schema=ANSWERS))
        return self._written()

    def end(self) -> bytes:
        """Return the bytes that end the stream."""
        self._writer.close()
        return self._written()

    def _written(self) -> bytes:
        content = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return content
