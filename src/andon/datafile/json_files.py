"""JSON: one document a line, or one array of them, read from the beginning in bounded memory."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from pydantic_core import from_json

from andon.datafile import staging
from andon.datafile.errors import DataFileInvalid
from andon.datafile.table import DataFile
from andon.datafile.values import LINE_BYTES, MOST_COLUMNS

_SPACE = " \t\r\n"
_MARK = b"\xef\xbb\xbf"
_CHUNK = 1 << 20
_ARRAY = re.compile(rb'\[\s*(\{\s*["}]|\])')
_DOCUMENT = re.compile(rb'\{\s*["}]')


def is_array(head: bytes) -> bool:
    """Return whether a file that begins so is an array of JSON documents."""
    return _ARRAY.match(_beginning(head)) is not None


def is_lines(head: bytes) -> bool:
    """Return whether a file that begins so holds JSON documents one after the other."""
    return _DOCUMENT.match(_beginning(head)) is not None


def opened(name: object, path: Path, folder: Path, connection: duckdb.DuckDBPyConnection, *, array: bool) -> DataFile:
    """Open a file of JSON documents: a column for each name that any of them has, in the order in which they come."""
    names: dict[str, None] = {}
    for number, document in _documents(name, path, array=array):
        names.update(dict.fromkeys(document))
        if len(names) > MOST_COLUMNS:
            raise DataFileInvalid(
                f"{name} has more than {MOST_COLUMNS:,} names by document {number}; it is not a table"
            )
    if not names:
        raise DataFileInvalid(f"{name} contains no values")
    rows = ([document.get(one) for one in names] for _, document in _documents(name, path, array=array))
    return staging.staged(name, list(names), rows, folder, connection)


def _documents(name: object, path: Path, *, array: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in enumerate(elements(name, path) if array else _lines(name, path), 1):
        try:
            document = from_json(text)
        except ValueError as error:
            raise DataFileInvalid(f"{name}, document {number}: {error}") from error
        if not isinstance(document, dict):
            raise DataFileInvalid(f"{name}, document {number}: expected an object with a value for each column")
        yield number, document


def _lines(name: object, path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES), b""), 1):
            if len(line) == LINE_BYTES and not line.endswith(b"\n"):
                raise DataFileInvalid(f"{name}, line {number}: longer than {LINE_BYTES:,} bytes")
            if row := line.removeprefix(_MARK).strip():
                yield row


def elements(name: object, path: Path) -> Iterator[bytes]:
    """Yield the text of each element of a JSON array. Raises DataFileInvalid."""
    decoder, buffer, at, opened, number = json.JSONDecoder(), "", 0, False, 0
    with path.open(encoding="utf-8-sig") as file:
        try:
            ended = False
            while True:
                at = _after_space(buffer, at)
                if at >= len(buffer):
                    if ended:
                        raise DataFileInvalid(f"{name} ends inside its JSON array, after element {number}")
                    more = file.read(_CHUNK)
                    buffer, at, ended = more, 0, not more
                    continue
                if not opened:
                    at, opened = at + 1, True
                elif buffer[at] == "]":
                    return
                elif buffer[at] == ",":
                    at += 1
                else:
                    try:
                        _, end = decoder.raw_decode(buffer, at)
                        number += 1
                        yield buffer[at:end].encode()
                        at = end
                    except json.JSONDecodeError as error:
                        more = file.read(_CHUNK)
                        if not more or len(buffer) - at > LINE_BYTES:
                            what = "is not JSON" if len(buffer) - at <= LINE_BYTES else f"exceeds {LINE_BYTES:,} bytes"
                            raise DataFileInvalid(f"{name}, element {number + 1} {what}: {error.msg}") from error
                        buffer, at = buffer[at:] + more, 0
        except RecursionError as error:
            raise DataFileInvalid(f"{name}, element {number + 1}: its brackets are nested too deeply") from error
        except UnicodeDecodeError as error:
            raise DataFileInvalid(f"{name} is not in UTF-8, as JSON must be") from error


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _beginning(head: bytes) -> bytes:
    return head.removeprefix(_MARK).lstrip()
