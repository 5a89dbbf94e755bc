"""Framing of an Arrow IPC stream: cuts a body into messages while it arrives. Pure.

It knows only as much of the format as that takes. A message is a marker, the length of its metadata, the metadata
(a flatbuffer) and a body whose length the metadata states.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from andon.gateway.errors import BatchMalformed

SCHEMA, DICTIONARY, RECORDS = 1, 2, 3
"""The kinds of messages."""

_MARKER = b"\xff\xff\xff\xff"
_METADATA_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ArrowMessage:
    """One message as received. `dictionary` is the id of the dictionary that it sets, or adds to if `adds`."""

    kind: int
    content: bytes
    dictionary: int = 0
    adds: bool = False
    compressed: bool = False


class Framing:
    """Cuts one stream into its messages."""

    def __init__(self, *, message_bytes: int) -> None:
        self._message_bytes = message_bytes
        self._held = bytearray()
        self._wanted = 8
        self._ended = False

    def feed(self, chunk: bytes) -> Iterator[ArrowMessage]:
        """Yield the messages that are complete now. Raises BatchMalformed."""
        self._held += chunk
        while not self._ended and len(self._held) >= self._wanted:
            message = self._next()
            if message is not None:
                yield message
        if self._ended and self._held:
            raise BatchMalformed("The body continues after the end of the Arrow stream")

    def end(self) -> None:
        """Note that the body has ended. Raises BatchMalformed within a message."""
        if self._held:
            raise BatchMalformed("The body ended within a message of the Arrow stream")

    def _next(self) -> ArrowMessage | None:
        """Take the first message of the held bytes. Return None if it is incomplete, and set `_wanted`."""
        held = self._held
        metadata_bytes = int.from_bytes(held[4:8], "little", signed=True)
        if held[:4] != _MARKER or not 0 <= metadata_bytes <= _METADATA_BYTES:
            raise BatchMalformed("The body is not an Arrow IPC stream, or has a format from before 2019")
        if metadata_bytes == 0:
            self._ended = True
            del held[:8]
            return None
        if len(held) < 8 + metadata_bytes:
            self._wanted = 8 + metadata_bytes
            return None
        metadata = bytes(held[8 : 8 + metadata_bytes])
        try:
            root = _Table(metadata, *struct.unpack_from("<I", metadata))
            size = 8 + metadata_bytes + root.number(3, "<q")
            if not 0 <= size - 8 - metadata_bytes <= self._message_bytes:
                raise BatchMalformed(
                    f"A record batch of {size} bytes is larger than {self._message_bytes}: send more but smaller ones"
                )
            if len(held) < size:
                self._wanted = size
                return None
            message = _read(root, bytes(held[:size]))
        except (struct.error, IndexError) as error:
            raise BatchMalformed("The metadata of a message of the Arrow stream cannot be read") from error
        del held[:size]
        self._wanted = 8
        return message


class _Table:
    """A table of a flatbuffer: its fields by number. Raises struct.error where there is no table."""

    def __init__(self, buffer: bytes, at: int) -> None:
        self._buffer, self._at = buffer, at
        self._fields = at - int(struct.unpack_from("<i", buffer, at)[0])
        self._size = int(struct.unpack_from("<H", buffer, self._fields)[0])

    def number(self, field: int, form: str) -> int:
        """Return a number; 0 if the field is left out."""
        at = self._place(field)
        return int(struct.unpack_from(form, self._buffer, at)[0]) if at else 0

    def table(self, field: int) -> "_Table | None":
        """Return a table; None if the field is left out."""
        at = self._place(field)
        return _Table(self._buffer, at + struct.unpack_from("<I", self._buffer, at)[0]) if at else None

    def _place(self, field: int) -> int:
        place = 4 + 2 * field
        offset = struct.unpack_from("<H", self._buffer, self._fields + place)[0] if place < self._size else 0
        return self._at + offset if offset else 0


def _read(root: _Table, content: bytes) -> ArrowMessage:
    kind, header = root.number(1, "<B"), root.table(2)
    if header is None or kind not in (SCHEMA, DICTIONARY, RECORDS):
        raise BatchMalformed("A message of the Arrow stream is not a schema, dictionary or record batch")
    records = header.table(1) if kind == DICTIONARY else header
    compressed = kind != SCHEMA and records is not None and records.table(3) is not None
    if kind == DICTIONARY:
        return ArrowMessage(kind, content, header.number(0, "<q"), bool(header.number(2, "<B")), compressed)
    return ArrowMessage(kind, content, compressed=compressed)
