"""Rows of `POST /v1/labels`: a JSON array, NDJSON or CSV. Each row is read by itself; a bad one affects no other."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import TypeAlias

from andon.gateway.batch import JSON, NDJSON
from andon.gateway.batch.rows import JsonRows, NdjsonRows
from andon.gateway.errors import BatchMalformed, MediaTypeUnsupported
from andon.kernel.errors import AndonError
from andon.labels import FIELDS, LabelInvalid, TruthReport, report_of

CSV = "text/csv"
MOST = 5_000
"""Most rows in one call."""

Read: TypeAlias = TruthReport | AndonError


def reports_of(media: str, body: bytes) -> list[Read]:
    """Read all rows of a body. Raises MediaTypeUnsupported, BatchMalformed."""
    if media not in _READERS:
        raise MediaTypeUnsupported(f"The rows must be {JSON}, {NDJSON} or {CSV}")
    found: list[Read] = []
    for given in _READERS[media](body):
        if len(found) == MOST:
            raise BatchMalformed(f"A call holds at most {MOST} labels: send more calls, or use `andon labels import`")
        found.append(_read(given))
    return found


def _read(given: bytes | Mapping[str, str] | AndonError) -> Read:
    try:
        return given if isinstance(given, AndonError) else report_of(given)
    except LabelInvalid as error:
        return error


def _json(body: bytes) -> Iterator[bytes | AndonError]:
    return _cut(JsonRows(row_bytes=len(body)), body)


def _ndjson(body: bytes) -> Iterator[bytes | AndonError]:
    return _cut(NdjsonRows(row_bytes=len(body)), body)


def _cut(rows: JsonRows | NdjsonRows, body: bytes) -> Iterator[bytes | AndonError]:
    yield from (row.given for row in rows.feed(body))
    yield from (row.given for row in rows.end())


def _csv(body: bytes) -> Iterator[Mapping[str, str] | AndonError]:
    """Yield cells by the names in the first line, without empty cells. The first line determines the separator."""
    try:
        text = body.decode("utf-8-sig")
        separator = re.search("[,;\t]", text.partition("\n")[0])
        rows = csv.reader(StringIO(text, newline=""), delimiter=separator[0] if separator else ",", strict=True)
        header = [name.strip() for name in next(rows, [])]
        _check(header)
        for cells in rows:
            if len(cells) == len(header):
                yield {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
            elif cells:
                yield LabelInvalid(f"Expected {len(header)} values, as in the first line, got {len(cells)}")
    except (UnicodeDecodeError, csv.Error) as error:
        raise BatchMalformed(f"The body is not CSV in UTF-8: {error}") from None


def _check(header: list[str]) -> None:
    """Check the names of the columns. Raises BatchMalformed."""
    wrong = [name for name in header if name not in FIELDS or header.count(name) > 1]
    wrong += [name for name in ("decision_id", "value") if name not in header]
    if wrong:
        raise BatchMalformed(
            "The first line of CSV names the columns, decision_id, value and others of "
            f"{', '.join(FIELDS)}, each once; "
            f"{wrong[0][:60]!r} is wrong or missing"
        )


_READERS: Mapping[str, Callable[[bytes], Iterator[bytes | Mapping[str, str] | AndonError]]] = {
    JSON: _json,
    NDJSON: _ndjson,
    CSV: _csv,
}
