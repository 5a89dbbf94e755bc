"""Packages on disk, in a folder named by their digest: written beside it and renamed, so that it is whole or absent."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from andon.models.domain import ModelVersion
from andon.models.errors import PackageDamaged
from andon.models.manifest import MANIFEST_FILE, File
from andon.models.package import digest_of


def fetch(version: ModelVersion, cache: Path, read: Callable[[File], Iterable[bytes]]) -> Path:
    """The folder of a version, taken from the cache or written from what `read` gives. Raises PackageDamaged."""
    folder = cache / version.digest
    if _is_whole(version, folder):
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as name:
        fresh = Path(name) / "package"
        fresh.mkdir()
        for file in version.manifest.files:
            _write(fresh / file.name, file, read(file))
        (fresh / MANIFEST_FILE).write_text(version.manifest.to_json(), encoding="utf-8")
        _put(fresh, folder, version)
    return folder


def _put(fresh: Path, folder: Path, version: ModelVersion) -> None:
    """Move a fresh package into place, over a damaged one; another process may have been quicker."""
    try:
        fresh.rename(folder)
    except OSError:
        if _is_whole(version, folder):
            return
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def _write(path: Path, file: File, chunks: Iterable[bytes]) -> None:
    digest = hashlib.sha256()
    with path.open("wb") as opened:
        for chunk in chunks:
            digest.update(chunk)
            opened.write(chunk)
    if digest.hexdigest() != file.digest:
        raise PackageDamaged(f"The stored bytes of {file.name} do not match their digest; restore them from a backup")


def _is_whole(version: ModelVersion, folder: Path) -> bool:
    files = version.manifest.files
    return all((folder / file.name).is_file() and digest_of(folder / file.name) == file.digest for file in files)
