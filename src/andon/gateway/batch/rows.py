"""The rows of a batch, cut out of a body while it arrives: NDJSON and a JSON array. Pure; any chunking gives the same rows.

Only where a row begins and ends is looked at here; what it says is for the automation's contract. At most one row is held,
and of one that is too large nothing but its number.
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
    """One row: its number in the batch, from 0, and its JSON text or what is wrong with it."""

    number: int
    given: bytes | AndonError


class RowReader(Protocol):
    """Reads one body."""

    @property
    def count(self) -> int:
        """How many rows began to be handed out so far; the number of the next."""
        ...

    def feed(self, chunk: bytes) -> Iterator[BatchRow]:
        """The rows that are whole now. To be read to its end. Raises BatchMalformed, after which nothing can be read."""
        ...

    def end(self) -> Iterator[BatchRow]:
        """The body has ended. Raises BatchMalformed if it may not end here."""
        ...


class NdjsonRows:
    """One JSON document a line; lines with nothing on them are no rows."""

    def __init__(self, *, row_bytes: int) -> None:
        self.count = 0
        self._row_bytes = row_bytes
        self._line = bytearray()
        self._too_large = False

    def feed(self, chunk: bytes) -> Iterator[BatchRow]:
        """The rows whose lines have ended."""
        begin = 0
        while (end := chunk.find(b"\n", begin)) >= 0:
            self._add(chunk[begin:end])
            yield from self._line_ended()
            begin = end + 1
        self._add(chunk[begin:])

    def end(self) -> Iterator[BatchRow]:
        """The last row, if its line did not end."""
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
"""An element up to what follows it, nested three deep at most: nearly every row, found in one step that never looks back."""

_MARK = re.compile(rb'["{}\[\],]')
_MARK_INSIDE = re.compile(rb'"|[{\[]+|[}\]]')
"""The same within an element, where commas end nothing. Brackets that follow each other are opened in one step."""

DEEPEST = 100
"""Levels of nesting in a row."""

_IN_TEXT = re.compile(rb'["\\]')
_NOT_SPACE = re.compile(rb"[^ \t\r\n]")


class JsonRows:
    """The elements of one JSON array."""

    def __init__(self, *, row_bytes: int) -> None:
        self.count = 0
        self._row_bytes = row_bytes
        self._held = bytearray()
        self._at = 0
        """How far what is held has been looked at."""
        self._depth = 0
        self._in_text = False
        self._too_large = False
        self._begun = self._ended = False

    def feed(self, chunk: bytes) -> Iterator[BatchRow]:
        """The elements that have ended."""
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
                raise BatchMalformed(f"Something follows the array, which had {self.count} rows")
            self._held.clear()

    def end(self) -> Iterator[BatchRow]:
        """Nothing more: an array says itself where its last element ends."""
        if not self._begun:
            raise BatchMalformed("The body is empty: expected a JSON array")
        if not self._ended:
            raise BatchMalformed(f"The body ended before the array did, within or after row {self.count}")
        return iter(())

    def _opened(self) -> bool:
        """Whether the array has begun."""
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
        """Where the comma or bracket is that ends the element which begins at `begin`; None if it is not there yet."""
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
                    raise BatchMalformed(f"A bracket is closed in row {self.count} that was not opened")

    def _element(self, begin: int, end: int) -> Iterator[BatchRow]:
        given: bytes | AndonError = bytes(self._held[begin:end]).strip(_SPACE)
        if self._too_large or end - begin > self._row_bytes:
            given = too_large(self.count, self._row_bytes)
            self._too_large = False
        elif not given:
            if self.count == 0 and self._held[end] == ord("]"):
                return
            raise BatchMalformed(f"There is nothing where row {self.count} should be")
        self.count += 1
        yield BatchRow(self.count - 1, given)

    def _forget(self, begin: int) -> None:
        """Let go of the elements before `begin`, and of one that is too large."""
        if self._too_large or len(self._held) - begin > self._row_bytes:
            self._too_large = not self._ended
            begin = max(begin, self._at)
        del self._held[:begin]
        self._at -= begin


def too_large(number: int, row_bytes: int) -> BodyTooLarge:
    """That a row is too large."""
    return BodyTooLarge(f"Row {number} is larger than {row_bytes} bytes")
