"""Universal Binary JSON, as far as XGBoost uses it. Numbers in typed arrays stay arrays."""

from typing import Any

import numpy as np

_MOST_DEPTH = 100
_TYPES = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_PLAIN = {b"T": True, b"F": False, b"Z": None}


def decode(data: bytes) -> Any:
    """Return the value of a document. Raises ValueError."""
    reader = _Reader(data)
    return reader.value(reader.take(1), 0)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def take(self, size: int) -> bytes:
        if size < 0 or size > len(self._data) - self._at:
            raise ValueError(f"{size} bytes are expected at {self._at}, only {len(self._data) - self._at} are left")
        taken = bytes(self._data[self._at : self._at + size])
        self._at += size
        return taken

    def value(self, kind: bytes, depth: int) -> Any:
        if depth > _MOST_DEPTH:
            raise ValueError(f"it is nested more than {_MOST_DEPTH} levels deep")
        if kind in _TYPES:
            return np.frombuffer(self.take(np.dtype(_TYPES[kind]).itemsize), dtype=_TYPES[kind])[0].item()
        if kind in _PLAIN:
            return _PLAIN[kind]
        if kind == b"S":
            return self._text()
        if kind == b"C":
            return self.take(1).decode("latin-1")
        if kind == b"[":
            return self._array(depth + 1)
        if kind == b"{":
            return self._mapping(depth + 1)
        raise ValueError(f"unknown type {kind!r}")

    def _peek(self) -> bytes:
        return bytes(self._data[self._at : self._at + 1])

    def _size(self) -> int:
        found = self.value(self.take(1), _MOST_DEPTH)
        if isinstance(found, bool) or not isinstance(found, int) or found < 0:
            raise ValueError(f"{found!r} is not a length")
        return found

    def _text(self) -> str:
        return self.take(self._size()).decode("utf-8")

    def _head(self) -> tuple[bytes | None, int | None]:
        """Read the type and the count of an optimised container, as far as they are given."""
        kind = None
        if self._peek() == b"$":
            self.take(1)
            kind = self.take(1)
        if self._peek() != b"#":
            if kind is not None:
                raise ValueError("a type is given without a count")
            return None, None
        self.take(1)
        return kind, self._size()

    def _array(self, depth: int) -> Any:
        kind, count = self._head()
        if kind in _TYPES and count is not None:
            dtype = np.dtype(_TYPES[kind])
            return np.frombuffer(self.take(count * dtype.itemsize), dtype=dtype)
        if count is None:
            found = []
            while self._peek() != b"]":
                found.append(self.value(self.take(1), depth))
            self.take(1)
            return found
        if count > len(self._data) - self._at:
            raise ValueError(f"{count} values are announced, but too few bytes are left")
        return [self.value(kind or self.take(1), depth) for _ in range(count)]

    def _mapping(self, depth: int) -> dict[str, Any]:
        kind, count = self._head()
        found: dict[str, Any] = {}
        while self._peek() != b"}" if count is None else len(found) < count:
            name = self._text()
            if name in found:
                raise ValueError(f"{name!r} occurs twice")
            found[name] = self.value(kind or self.take(1), depth)
        if count is None:
            self.take(1)
        return found
