"""Writing a project's folder: whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from andon.datafile import Source
from andon.scaffold import naming, planning, rendering
from andon.scaffold.domain import Plan
from andon.scaffold.errors import FolderOccupied, FolderUnwritable
from andon.scaffold.planning import Options

EXAMPLE = "transfer-screening"
"""The example that is written where none is named."""

EXAMPLES: Mapping[str, str] = {
    EXAMPLE: "export CORE_BANKING_SECRET=whsec_$(head -c 24 /dev/urandom | base64)",
    "mail-triage": "export SUPPORT_PASSWORD=...",
}
"""The command before the first `andon up` of each example: it sets the secret that the example's `andon.toml` names."""

_NOT_COPIED = (".andon", "package", "__pycache__", ".pytest_cache", ".ruff_cache")


def from_data(
    name: str,
    parent: Path,
    source: Source,
    *,
    target: str,
    time: str | None = None,
    positive: str | None = None,
    options: Options | None = None,
) -> tuple[Path, Plan]:
    """Write a project learnt from a data file or a query to `parent/name`.

    Raises NameInvalid, FolderOccupied, DataFileInvalid or DataUnusable; then nothing is written.
    """
    folder = _free_folder(name, parent)
    plan = planning.plan(
        name, source, target_name=target, time_name=time, positive=positive, options=options or Options()
    )
    files = rendering.render(plan, folder)
    return _put(folder, lambda partial: _write(partial, files)), plan


def from_template(name: str, parent: Path, example: str = EXAMPLE) -> Path:
    """Write an example to `parent/name`. Raises NameInvalid, FolderOccupied."""
    folder = _free_folder(name, parent)
    return _put(folder, lambda partial: _copy_example(partial, example))


def _free_folder(name: str, parent: Path) -> Path:
    naming.check_project_name(name)
    folder = parent / name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderOccupied(f"{folder} exists and is not empty; choose another name or empty it")
    return folder


def _put(folder: Path, fill: Callable[[Path], None]) -> Path:
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            partial = Path(temporary, folder.name)
            partial.mkdir()
            fill(partial)
            partial.rename(folder)
    except OSError as error:
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise FolderUnwritable(f"{folder} cannot be written: {why}") from error
    return folder


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def example_folder(scaffold: Path, example: str = EXAMPLE) -> Path:
    """Return the folder of an example's files: inside this package in a wheel, in `examples/` in a checkout."""
    name = example.replace("-", "_")
    packaged = scaffold / "templates" / name
    return packaged if packaged.is_dir() else scaffold.parents[2] / "examples" / name


def _copy_example(folder: Path, example: str) -> None:
    found = example_folder(Path(__file__).parent, example)
    shutil.copytree(found, folder, ignore=shutil.ignore_patterns(*_NOT_COPIED), dirs_exist_ok=True)
    _write(folder, {".gitignore": rendering.gitignore(), **rendering.pipelines(example.replace("-", "_"))})
