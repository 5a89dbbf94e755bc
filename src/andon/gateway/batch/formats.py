"""The formats of a batch: how its rows are read and its answers written, by the media type of the body."""

import importlib
from collections.abc import Sequence
from typing import Protocol

from andon.gateway.batch.rows import JsonRows, NdjsonRows, RowReader
from andon.gateway.errors import MediaTypeUnsupported

JSON, NDJSON, ARROW = "application/json", "application/x-ndjson", "application/vnd.apache.arrow.stream"
MEDIA_TYPES = (JSON, NDJSON, ARROW)


class Answers(Protocol):
    """Writes the answers of one batch, which come as JSON."""

    @property
    def content_type(self) -> str:
        """The media type."""
        ...

    def add(self, answers: Sequence[bytes]) -> bytes:
        """These answers, after what came before."""
        ...

    def end(self) -> bytes:
        """What ends the whole."""
        ...


class NdjsonAnswers:
    """One answer a line."""

    content_type = NDJSON

    def add(self, answers: Sequence[bytes]) -> bytes:
        """Their lines."""
        return b"".join(answer + b"\n" for answer in answers)

    def end(self) -> bytes:
        """Nothing: each line has ended."""
        return b""


class JsonAnswers:
    """One array."""

    content_type = JSON

    def __init__(self) -> None:
        self._before = b"["

    def add(self, answers: Sequence[bytes]) -> bytes:
        """Its next elements."""
        content = self._before + b",\n".join(answers)
        self._before = b",\n"
        return content

    def end(self) -> bytes:
        """Its end."""
        return b"[]" if self._before == b"[" else b"]"


def format_of(content_type: str, *, row_bytes: int) -> tuple[RowReader, Answers]:
    """The reader and the writer of a media type; a row may be as large as `row_bytes`. Raises MediaTypeUnsupported."""
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
