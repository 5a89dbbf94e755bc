"""The formats of a batch: how its rows are read and its answers written, by the media type of the body."""

import importlib
from collections.abc import Sequence
from typing import Protocol

from andon.gateway.batch.rows import JsonRows, NdjsonRows, RowReader
from andon.gateway.errors import MediaTypeUnsupported

JSON, NDJSON, ARROW = "application/json", "application/x-ndjson", "application/vnd.apache.arrow.stream"
MEDIA_TYPES = (JSON, NDJSON, ARROW)


class Answers(Protocol):
    """Writes the answers of one batch. It takes them as JSON."""

    @property
    def content_type(self) -> str:
        """The media type."""
        ...

    def add(self, answers: Sequence[bytes]) -> bytes:
        """Return the bytes that add these answers to the body."""
        ...

    def end(self) -> bytes:
        """Return the bytes that end the body."""
        ...


class NdjsonAnswers:
    """Writes one answer per line."""

    content_type = NDJSON

    def add(self, answers: Sequence[bytes]) -> bytes:
        """Return one line for each answer."""
        return b"".join(answer + b"\n" for answer in answers)

    def end(self) -> bytes:
        """Return nothing: each line has its own end."""
        return b""


class JsonAnswers:
    """Writes one JSON array."""

    content_type = JSON

    def __init__(self) -> None:
        self._before = b"["

    def add(self, answers: Sequence[bytes]) -> bytes:
        """Return the next elements of the array."""
        content = self._before + b",\n".join(answers)
        self._before = b",\n"
        return content

    def end(self) -> bytes:
        """Return the end of the array."""
        return b"[]" if self._before == b"[" else b"]"


def format_of(content_type: str, *, row_bytes: int) -> tuple[RowReader, Answers]:
    """Return the reader and the writer of a media type. A row has at most `row_bytes`. Raises MediaTypeUnsupported."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON:
        return JsonRows(row_bytes=row_bytes), JsonAnswers()
    if media_type == NDJSON:
        return NdjsonRows(row_bytes=row_bytes), NdjsonAnswers()
    if media_type == ARROW:
        return _arrow(row_bytes)
    raise MediaTypeUnsupported(f"The rows must be {', '.join(MEDIA_TYPES[:-1])} or {MEDIA_TYPES[-1]}")


def _arrow(row_bytes: int) -> tuple[RowReader, Answers]:
    try:
        arrow = importlib.import_module("andon.gateway.batch.arrow")
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise MediaTypeUnsupported(
            "This gateway cannot read Arrow: install `andon[arrow]`, or send application/x-ndjson"
        ) from error
    return arrow.ArrowRows(row_bytes=row_bytes), arrow.ArrowAnswers()
