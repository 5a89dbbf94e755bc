"""The protocol between a gateway and a model's process: a fixed header, then raw bytes.

No pickle. A batch of numbers is raw bytes; only one with texts among its columns is JSON.

Both sides are one machine, so numbers are in its own byte order. The model's process loads this file by its path, in an
environment without Andon: standard library only.
"""

import struct
from dataclasses import dataclass

HEADER = struct.Struct("=4sIIIQQQ")
"""Mark, kind, rows, columns, bytes that follow, CPU nanoseconds, resident bytes."""

MARK = b"adn1"
LARGEST_BODY = 1 << 30
"""The largest body that a valid header announces."""

OPEN, READY, ROWS, ANSWER, FAILED, TEXTS = range(1, 7)
"""Load this model; it is loaded; a matrix of float64; probabilities of float64; what went wrong, as text; a
matrix with texts, as JSON."""


class FrameBroken(Exception):
    """The bytes from the socket are not a frame."""


@dataclass(frozen=True, slots=True)
class FrameHead:
    """The header of a frame."""

    kind: int
    rows: int
    columns: int
    size: int
    cpu_ns: int
    rss_bytes: int


def head_of(
    kind: int, body_size: int, *, rows: int = 0, columns: int = 0, cpu_ns: int = 0, rss_bytes: int = 0
) -> bytes:
    """Return the header of a frame."""
    return HEADER.pack(MARK, kind, rows, columns, body_size, cpu_ns, rss_bytes)


def read_head(data: bytes) -> FrameHead:
    """Parse the header in HEADER.size bytes. Raises FrameBroken."""
    mark, kind, rows, columns, size, cpu_ns, rss_bytes = HEADER.unpack(data)
    if mark != MARK or not OPEN <= kind <= TEXTS or size > LARGEST_BODY:
        raise FrameBroken("The bytes are not the header of a frame")
    if kind in (ROWS, ANSWER) and size != 8 * rows * columns:
        raise FrameBroken(f"A matrix of {rows} x {columns} was announced with {size} bytes")
    return FrameHead(kind, rows, columns, size, cpu_ns, rss_bytes)
