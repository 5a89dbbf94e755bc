"""Packages on disk, in folders named by digest. Each is written next to its place and renamed: it is whole or absent.

They are readable by their owner only.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from andon.models.domain import ModelVersion
from andon.models.errors import PackageDamaged
from andon.models.manifest import MANIFEST_FILE, File
from andon.models.package import digest_of


def fetch(version: ModelVersion, cache: Path, read: Callable[[File], Iterable[bytes]]) -> Path:
    """Return the folder of a version, from the cache or newly written from `read`. Raises PackageDamaged."""
    folder = cache / version.digest
    if _is_whole(version, folder):
        _close(folder)
        return folder
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.chmod(0o700)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as name:
        fresh = Path(name) / "package"
        fresh.mkdir(mode=0o700)
        for file in version.manifest.files:
            _write(fresh / file.name, file, read(file))
        (fresh / MANIFEST_FILE).write_text(version.manifest.to_json(), encoding="utf-8")
        _close(fresh)
        _put(fresh, folder, version)
    return folder


def _close(folder: Path) -> None:
    """Restrict a package to its owner: a model may reveal the data it was trained on."""
    for path, mode in ((folder, 0o700), *((file, 0o600) for file in folder.iterdir() if file.is_file())):
        if stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)


def _put(fresh: Path, folder: Path, version: ModelVersion) -> None:
    """Move a fresh package into place, replacing a damaged one; another process may have been faster."""
    try:
        fresh.rename(folder)
    except OSError:
        if _is_whole(version, folder):
            return
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def _write(path: Path, file: File, chunks: Iterable[bytes]) -> None:
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        for chunk in chunks:
            digest.update(chunk)
            opened.write(chunk)
    if digest.hexdigest() != file.digest:
        raise PackageDamaged(f"The stored bytes of {file.name} do not match their digest; restore them from a backup")


def _is_whole(version: ModelVersion, folder: Path) -> bool:
    files = version.manifest.files
    return all((folder / file.name).is_file() and digest_of(folder / file.name) == file.digest for file in files)
