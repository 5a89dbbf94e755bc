"""Archives: the number of their files, the size and place of these when unpacked, and the depth of a skops tree."""

import json
import re
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from ..errors import ModelUnreadable

MOST_FILES = 20_000
MOST_UNPACKED = 8 * 1024**3
MOST_RATIO = 200
"""The largest factor by which a part above PLAIN_BYTES may grow when unpacked."""
PLAIN_BYTES = 64 * 1024**2
MOST_DEPTH = 200
_SCHEMA = "schema.json"
_SCHEMA_BYTES = 512 * 1024**2
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')
_OPENING, _CLOSING = [ord(mark) for mark in "[{"], [ord(mark) for mark in "]}"]


def check(file: Path, features: int | None) -> None:
    """Raise ModelUnreadable for an archive that unpacks to more than a model, or outside its folder."""
    del features
    _checked(file)


def check_skops(file: Path, features: int | None) -> None:
    """Check a skops file as an archive, and that recursion can read its tree; a pickle is not inspected."""
    del features
    if file.suffix != ".skops":
        return
    if _SCHEMA not in _checked(file):
        raise ModelUnreadable(f"{file.name} contains no {_SCHEMA}: it is not a skops file")
    with ZipFile(file) as archive, archive.open(_SCHEMA) as opened:
        _require_shallow(file.name, opened.read(_SCHEMA_BYTES))


def _checked(file: Path) -> set[str]:
    try:
        with ZipFile(file) as archive:
            parts = archive.infolist()
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ModelUnreadable(f"{file.name} is not a readable archive: {error}") from error
    if len(parts) > MOST_FILES:
        raise ModelUnreadable(f"{file.name} contains {len(parts):,} files; at most {MOST_FILES:,} are unpacked")
    total = sum(part.file_size for part in parts)
    if total > MOST_UNPACKED:
        raise ModelUnreadable(f"{file.name} unpacks to {total:,} bytes; at most {MOST_UNPACKED:,} are unpacked")
    for part in parts:
        if part.filename.startswith(("/", "\\")) or ".." in Path(part.filename).parts:
            raise ModelUnreadable(f"{file.name} contains {part.filename!r}, which is outside the archive")
        if part.file_size > PLAIN_BYTES and part.file_size > MOST_RATIO * max(part.compress_size, 1):
            raise ModelUnreadable(
                f"{file.name}: {part.filename!r} unpacks to {part.file_size:,} bytes from {part.compress_size:,}"
            )
    return {part.filename for part in parts}


def _require_shallow(name: str, document: bytes) -> None:
    """Require JSON whose brackets, apart from those in texts, nest no deeper than MOST_DEPTH."""
    marks = np.frombuffer(_QUOTED.sub(b"", document), dtype=np.uint8)
    steps = np.isin(marks, _OPENING).astype(np.int64) - np.isin(marks, _CLOSING)
    deepest = int(np.cumsum(steps).max(initial=0))
    if deepest > MOST_DEPTH:
        raise ModelUnreadable(f"{name}: {_SCHEMA} is nested {deepest} levels deep; at most {MOST_DEPTH} are read")
    try:
        json.loads(document)
    except ValueError as error:
        raise ModelUnreadable(f"{name}: {_SCHEMA} is not JSON: {error}") from error
