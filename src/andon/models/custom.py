"""Archives of models of many files, such as a builder's Python class; the same model gives the same bytes."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from andon.models.errors import PackageInvalid

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time in a zip archive; true times would give the same files different bytes."""


@dataclass(frozen=True, slots=True)
class PythonModel:
    """A class named `module:Class`, created once by `Class(folder)` and asked by `predict(columns)`.

    `code` are the files and packages to import from, `files` the contents of `folder` (weights, tables): both may be
    folders. `columns` maps each feature to an array of raw values; `predict` answers with float probabilities [rows,
    classes], or [rows] of the positive class.
    """

    entry: str
    code: Sequence[Path | str] = ()
    files: Sequence[Path | str] = ()

    def __post_init__(self) -> None:
        module, _, name = self.entry.partition(":")
        if not (all(part.isidentifier() for part in module.split(".")) and name.isidentifier()):
            raise PackageInvalid(
                f"{self.entry!r} does not name a class; write module:Class, such as 'fraud_model:Fraud'"
            )


def write_python_model(model: PythonModel, target: Path) -> None:
    """Write the class with its code and files as an archive. Raises PackageInvalid if one of them does not exist."""
    contents = _named("code", model.code) | _named("files", model.files)
    with ZipFile(target, "w") as archive:
        with archive.open(_entry("entry"), "w") as opened:
            opened.write(model.entry.encode())
        for folder in ("code/", "files/"):  # they exist, even if empty
            archive.writestr(_entry(folder), b"")
        _write(archive, contents)


def write_folder(folder: Path, target: Path) -> None:
    """Write all files of a folder as an archive."""
    with ZipFile(target, "w") as archive:
        _write(archive, dict(_files_in(folder, "")))


def _named(folder: str, paths: Sequence[Path | str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise PackageInvalid(f"{path} does not exist")
        inside = dict(_files_in(path, f"{folder}/{path.name}")) if path.is_dir() else {f"{folder}/{path.name}": path}
        if twice := sorted(found.keys() & inside.keys()):
            raise PackageInvalid(f"{twice[0]} is given twice; files packed together need different names")
        found |= inside
    return found


def _files_in(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"{name}/{path.relative_to(folder).as_posix()}".lstrip("/"), path


def _write(archive: ZipFile, contents: Mapping[str, Path]) -> None:
    for name, path in sorted(contents.items()):
        entry = _entry(name)
        entry.file_size = path.stat().st_size
        with path.open("rb") as source, archive.open(entry, "w") as opened:
            shutil.copyfileobj(source, opened)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _LONG_AGO)
    entry.external_attr = 0o644 << 16
    return entry
