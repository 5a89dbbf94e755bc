"""ONNX files as protocol buffers: every length stays within its message, and graphs nest to a limited depth."""

from pathlib import Path

from ..errors import ModelUnreadable

MOST_DEPTH = 64


def check(file: Path, features: int | None) -> None:
    """Raise ModelUnreadable for a file that is not a well-formed ModelProto."""
    del features
    data = memoryview(file.read_bytes())
    if not len(data):
        raise ModelUnreadable(f"{file.name} is empty")
    _walk(file.name, data, "model", 0)


_INSIDE = {
    ("model", 7): "graph",
    ("graph", 1): "node",
    ("node", 5): "attribute",
    ("attribute", 6): "graph",
    ("attribute", 11): "graph",
}


def _walk(name: str, data: memoryview, kind: str, depth: int) -> None:
    if depth > MOST_DEPTH:
        raise ModelUnreadable(f"{name}: its graphs are nested more than {MOST_DEPTH} levels deep")
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(name, data, at)
        field, wire = tag >> 3, tag & 7
        if field == 0 or wire not in (0, 1, 2, 5):
            raise ModelUnreadable(f"{name} is not an ONNX file: a field has tag {tag}")
        if wire == 0:
            _, at = _varint(name, data, at)
            continue
        size, at = _varint(name, data, at) if wire == 2 else ((8 if wire == 1 else 4), at)
        if size > end - at:
            raise ModelUnreadable(f"{name} is cut off: a field of {size:,} bytes has only {end - at:,}")
        inside = _INSIDE.get((kind, field)) if wire == 2 else None
        if inside is not None:
            _walk(name, data[at : at + size], inside, depth + 1)
        at += size


def _varint(name: str, data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ModelUnreadable(f"{name} is not an ONNX file: a number has no end")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
