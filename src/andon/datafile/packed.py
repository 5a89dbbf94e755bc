"""Compressed files: gzip, zstd, bzip2, xz and ZIP, unpacked up to a limit."""

import bz2
import gzip
import lzma
import shutil
import sys
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from andon.datafile.errors import DataFileInvalid

MOST_BYTES = 50 << 30
"""A file that unpacks to more is refused."""

MOST_TIMES = 500
"""So many times its packed size may a file unpack to, once it is beyond UNSUSPICIOUS. Tables reach 10 to 100."""

UNSUSPICIOUS = 256 << 20
_SPARE = 256 << 20
"""Bytes that must remain free on the disk."""

_CHUNK = 1 << 20
_WORKBOOK_PARTS = ("[Content_Types].xml", "mimetype", "xl/workbook.xml", "content.xml")


def is_packed(head: bytes) -> bool:
    """Return whether a file that begins so is compressed. A workbook, too, is a ZIP archive."""
    return head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04"))


def is_workbook(path: Path) -> bool:
    """Return whether a ZIP archive is an Excel or OpenDocument workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name in _WORKBOOK_PARTS for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def unpacked(name: object, path: Path, head: bytes, folder: Path, part: str | None) -> Path:
    """Unpack a file into `folder`; of an archive the `part` that is named, or its only one. Raises DataFileInvalid."""
    try:
        if head.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                member = _member(name, archive, part)
                with archive.open(member) as file:
                    return _poured(name, file, path, folder / _ending(member.filename))
        with _opened(path, head) as file:
            return _poured(name, file, path, folder / _ending(path.with_suffix("").name))
    except (
        EOFError,
        OSError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise DataFileInvalid(f"{name} cannot be unpacked: {error or type(error).__name__}") from error


def _opened(path: Path, head: bytes) -> IO[bytes] | gzip.GzipFile:
    if head.startswith(b"\x1f\x8b"):
        return gzip.open(path, "rb")
    if head.startswith(b"BZh"):
        return bz2.open(path, "rb")
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.open(path, "rb")
    return _zstd().open(path, "rb")  # type: ignore[no-any-return]


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def _member(name: object, archive: zipfile.ZipFile, part: str | None) -> zipfile.ZipInfo:
    files = [
        one
        for one in archive.infolist()
        if not one.is_dir() and not one.filename.startswith("__MACOSX/") and not Path(one.filename).name.startswith(".")
    ]
    if part is not None:
        files = [one for one in files if one.filename == part]
    if len(files) != 1:
        held = ", ".join(one.filename for one in archive.infolist()[:10] if not one.is_dir()) or "nothing"
        what = f"has no file {part!r}" if part is not None else f"holds {len(files)} files"
        raise DataFileInvalid(f"{name} {what}: choose one with --sheet ({held})")
    if files[0].flag_bits & 1:
        raise DataFileInvalid(f"{name} is protected by a password; unpack it first")
    return files[0]


def _ending(name: str) -> str:
    """Return a name for the copy that keeps what the ending says."""
    return f"unpacked{Path(name).suffix[:16]}"


def _poured(name: object, file: IO[bytes] | gzip.GzipFile, path: Path, copy: Path) -> Path:
    packed, written = path.stat().st_size, 0
    room = shutil.disk_usage(copy.parent).free - _SPARE
    with copy.open("wb") as out:
        while chunk := file.read(_CHUNK):
            written += len(chunk)
            if written > UNSUSPICIOUS and written > MOST_TIMES * packed:
                raise DataFileInvalid(
                    f"{name} unpacks to more than {MOST_TIMES} times its size, as a decompression bomb does; "
                    "unpack it yourself if it is the right file"
                )
            if written > MOST_BYTES:
                raise DataFileInvalid(f"{name} unpacks to more than {MOST_BYTES >> 30} GB; unpack it yourself")
            if written > room:
                raise DataFileInvalid(f"{name} does not fit into the free space when unpacked in {copy.parent.parent}")
            out.write(chunk)
    return copy
