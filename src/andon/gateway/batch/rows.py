"""Rows of a batch, cut out of an NDJSON body or a JSON array while it arrives. Pure; any chunking gives the same rows.

The readers find only where a row begins and ends; the automation's contract checks its content. At most one row is
held, and of a row that is too large only the number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from andon.gateway.errors import BatchMalformed, BodyTooLarge
from andon.kernel.errors import AndonError

_SPACE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One row: its number in the batch, from 0, and its JSON text or its error."""

    number: int
    given: bytes | AndonError


class RowReader(Protocol):
    """Reads one body."""

    @property
    def count(self) -> int:
        """Number of rows so far, which is the number of the next row."""
        ...

    def feed(self, chunk: bytes) -> Iterator[BatchRow]:
        """Yield the rows that are complete now; exhaust the iterator. Raises BatchMalformed, which ends the reading."""
        ...

    def end(self) -> Iterator[BatchRow]:
        """Yield the rows that the end of the body completes. Raises BatchMalformed if it may not end here."""
        ...


class NdjsonRows:
    """Reads one JSON document per line and skips blank lines."""

    def __init__(self, *, row_bytes: int) -> None:
        self.count = 0
        self._row_bytes = row_bytes
        self._line = bytearray()
        self._too_large = False

    def feed(self, chunk: bytes) -> Iterator[BatchRow]:
        """Yield the rows whose lines have ended."""
        begin = 0
        while (end := chunk.find(b"\n", begin)) >= 0:
            self._add(chunk[begin:end])
            yield from self._line_ended()
            begin = end + 1
        self._add(chunk[begin:])

    def end(self) -> Iterator[BatchRow]:
        """Yield the last row if its line did not end."""
        yield from self._line_ended()

    def _add(self, part: bytes) -> None:
        if self._too_large or len(self._line) + len(part) > self._row_bytes:
            self._too_large = True
            self._line.clear()
        else:
            self._line += part

    def _line_ended(self) -> Iterator[BatchRow]:
        given: bytes | AndonError = bytes(self._line).strip(_SPACE)
        if self._too_large:
            given = too_large(self.count, self._row_bytes)
        self._line.clear()
        self._too_large = False
        if given:
            self.count += 1
            yield BatchRow(self.count - 1, given)


_PLAIN = rb'[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+"'
_NEST = rb"[{\[](?:" + _PLAIN + rb")*+[}\]]"
_NESTS = rb"[{\[](?:" + _PLAIN + rb"|" + _NEST + rb")*+[}\]]"
_ELEMENT = re.compile(
    rb"[ \t\r\n]*+[{\[](?:" + _PLAIN + rb"|" + _NESTS + rb")*+[}\]][ \t\r\n]*+(?=[,\]])",
    re.DOTALL,
)
"""An element of at most three levels, up to the mark after it. It finds nearly every row without backtracking."""

_MARK = re.compile(rb'["{}\[\],]')
_MARK_INSIDE = re.compile(rb'"|[{\[]+|[}\]]')
"""Marks within an element, where commas end nothing. Adjacent opening brackets are one mark."""

DEEPEST = 100
"""Levels of nesting in a row."""

_IN_TEXT = re.compile(rb'["\\]')
_NOT_SPACE = re.compile(rb"[^ \t\r\n]")


class JsonRows:
    """Reads the elements of one JSON array."""

    def __init__(self, *, row_bytes: int) -> None:
        self.count = 0
        self._row_bytes = row_bytes
        self._held = bytearray()
        self._at = 0
        """Position up to which the held bytes are scanned."""
        self._depth = 0
        self._in_text = False
        self._too_large = False
        self._begun = self._ended = False

    def feed(self, chunk: bytes) -> Iterator[BatchRow]:
        """Yield the elements that have ended. Raises BatchMalformed."""
        self._held += chunk
        if not self._begun and not self._opened():
            return
        begin = 0
        while not self._ended:
            end = self._element_end(begin)
            if end is None:
                break
            yield from self._element(begin, end)
            self._ended = self._held[end] == ord("]")
            begin = self._at = end + 1
        self._forget(begin)
        if self._ended:
            if self._held.strip(_SPACE):
                raise BatchMalformed(f"The body continues after the array, which had {self.count} rows")
            self._held.clear()

    def end(self) -> Iterator[BatchRow]:
        """Yield nothing more. Raises BatchMalformed if the array did not end."""
        if not self._begun:
            raise BatchMalformed("The body is empty: expected a JSON array")
        if not self._ended:
            raise BatchMalformed(f"The body ended before the array did, within or after row {self.count}")
        return iter(())

    def _opened(self) -> bool:
        """Drop everything up to the opening bracket. Return whether it was found. Raises BatchMalformed."""
        first = _NOT_SPACE.search(self._held)
        if first is None:
            self._held.clear()
            return False
        if first[0] != b"[":
            raise BatchMalformed("The body is not a JSON array: it does not begin with `[`")
        del self._held[: first.end()]
        self._begun = True
        return True

    def _element_end(self, begin: int) -> int | None:
        """Find the mark that ends the element at `begin`; None if it has not arrived. Raises BatchMalformed."""
        held, at = self._held, self._at
        if at == begin and not self._too_large and (whole := _ELEMENT.match(held, begin)) is not None:
            return whole.end()
        while True:
            marks = _IN_TEXT if self._in_text else _MARK_INSIDE if self._depth else _MARK
            found = marks.search(held, at)
            if found is None:
                self._at = len(held)
                return None
            mark, at = found[0], found.end()
            if mark == b"\\":
                if at == len(held):
                    self._at = at - 1
                    return None
                at += 1
            elif mark == b'"':
                self._in_text = not self._in_text
            elif mark[0] in b"{[":
                self._depth += len(mark)
                if self._depth > DEEPEST:
                    raise BatchMalformed(f"Row {self.count} is nested deeper than {DEEPEST} levels")
            elif self._depth == 0 and mark in b",]":
                return found.start()
            elif mark in b"}]":
                self._depth -= 1
                if self._depth < 0:
                    raise BatchMalformed(f"Row {self.count} closes a bracket that was not opened")

    def _element(self, begin: int, end: int) -> Iterator[BatchRow]:
        given: bytes | AndonError = bytes(self._held[begin:end]).strip(_SPACE)
        if self._too_large or end - begin > self._row_bytes:
            given = too_large(self.count, self._row_bytes)
            self._too_large = False
        elif not given:
            if self.count == 0 and self._held[end] == ord("]"):
                return
            raise BatchMalformed(f"Row {self.count} is missing")
        self.count += 1
        yield BatchRow(self.count - 1, given)

    def _forget(self, begin: int) -> None:
        """Drop the elements before `begin`, and an element that is too large."""
        if self._too_large or len(self._held) - begin > self._row_bytes:
            self._too_large = not self._ended
            begin = max(begin, self._at)
        del self._held[:begin]
        self._at -= begin


def too_large(number: int, row_bytes: int) -> BodyTooLarge:
    """Return the error of a row that is too large."""
    return BodyTooLarge(f"Row {number} is larger than {row_bytes} bytes")
