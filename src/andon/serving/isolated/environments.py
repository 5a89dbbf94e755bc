"""Virtual environments built from a model's captured requirements; kept by digest, each whole or absent.

Built with uv where it is found (the extra `isolated` brings it), else with `venv` and pip. Never in a request's path: a
version's environment is built when the version is loaded, or before that by `andon models environment`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from andon.kernel.files import locked
from andon.models import Manifest, ModelVersion
from andon.serving.errors import EnvironmentInvalid
from andon.serving.isolated.pip_settings import uv_environment
from andon.serving.isolated.requirements import Requirements, are_met_here, requirements_of

_LIMIT_SECONDS = 1800.0
_SHOWN_LINES = 12
_LINE_LENGTH = 400
_PINS = "pins.txt"
NOTE = "environment.json"
"""The file that tells what an environment was built from."""

log = structlog.get_logger(__name__)


def find_uv() -> str | None:
    """Return the path of uv, beside our own interpreter or on the PATH."""
    beside = Path(sys.prefix) / "bin" / "uv"
    return str(beside) if beside.exists() else shutil.which("uv")


class Environments:
    """The environments in one folder. Of several processes that want the same one, one builds and the others wait."""

    def __init__(self, folder: Path, *, uv: Callable[[], str | None] = find_uv) -> None:
        self._folder = folder
        self._uv = uv

    def python_for(self, manifest: Manifest) -> Path:
        """Return the interpreter for a model: ours if its packages are exactly the captured ones, else a built one.

        Raises EnvironmentInvalid.
        """
        wanted = requirements_of(manifest)
        return Path(sys.executable) if are_met_here(wanted) else self.build(wanted)

    def require(self, version: ModelVersion) -> None:
        """Require that a version's environment is built. Raises EnvironmentInvalid, which says how to build it."""
        if self.find(version.manifest) is None:
            raise EnvironmentInvalid(
                f"The environment of {version.name} {version.number} is not built here yet; building may take minutes: "
                f"`andon models environment {version.name} {version.number} --build` builds it and reports what is "
                "missing"
            )

    def find(self, manifest: Manifest) -> Path | None:
        """Return the interpreter that would run a model without building anything; None if there is none yet."""
        wanted = requirements_of(manifest)
        if are_met_here(wanted):
            return Path(sys.executable)
        python = self._python_in(wanted)
        return python if python.exists() else None

    def build(self, wanted: Requirements) -> Path:
        """Return the interpreter of the environment for these requirements, built if necessary.

        Raises EnvironmentInvalid.
        """
        python = self._python_in(wanted)
        if python.exists():
            return python
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._folder / f"{wanted.digest}.lock"):
            if not python.exists():
                self._build(wanted)
        return python

    def _python_in(self, wanted: Requirements) -> Path:
        return (self._folder / wanted.digest).absolute() / "bin" / "python"

    def _build(self, wanted: Requirements) -> None:
        base = _base_python(wanted.python)
        log.info("environment.building", digest=wanted.digest[:12], python=wanted.python, packages=len(wanted.pins))
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".build-") as name:
            fresh, notes = Path(name) / "environment", Path(name)
            (notes / _PINS).write_text("\n".join(wanted.lines), encoding="utf-8")
            uv = self._uv()
            settings = _settings(base) if uv else {}
            for command in _by_uv(uv, base, fresh) if uv else _by_pip(base, fresh):
                _run(command, notes, settings)
            note = {"python": wanted.python, "packages": dict(wanted.pins)}
            (fresh / NOTE).write_text(json.dumps(note, indent=1), encoding="utf-8")
            fresh.rename(self._folder / wanted.digest)  # only bin/python is used, which works from any place
        log.info("environment.built", digest=wanted.digest[:12])


def _by_uv(uv: str, base: Path, fresh: Path) -> list[list[str]]:
    python = str(fresh / "bin" / "python")
    install = [uv, "pip", "install", "--compile-bytecode", "--python", python, "--no-deps", "-r", _PINS]
    return [[uv, "venv", "--relocatable", "--python", str(base), str(fresh)], install]


def _by_pip(base: Path, fresh: Path) -> list[list[str]]:
    pip = [str(fresh / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    return [[str(base), "-m", "venv", str(fresh)], [*pip, "--no-deps", "-r", _PINS]]


def _run(command: Sequence[str], folder: Path, settings: Mapping[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
    environment |= {"NO_COLOR": "1", **settings}
    environment.pop("VIRTUAL_ENV", None)
    try:
        done = subprocess.run(  # noqa: S603 - uv or pip, with names and versions in files
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentInvalid(f"The environment was not built within {_LIMIT_SECONDS / 60:g} minutes") from error
    if done.returncode != 0:
        raise EnvironmentInvalid(
            "The environment in which the model was trained cannot be built "
            f"here:\n{words_of(done.stderr or done.stdout)}"
        )


def words_of(output: str) -> str:
    """Return the last lines that a resolver printed, without credentials in addresses."""
    lines = [re.sub(r"//[^/@\s]+@", "//", line.rstrip()) for line in output.splitlines() if line.strip()]
    return "\n".join(f"  {line[:_LINE_LENGTH]}" for line in lines[-_SHOWN_LINES:])


def _base_python(version: str) -> Path:
    """Return a Python of this minor version, tested by running it: a shim of that name may have none behind it."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    for folder in os.get_exec_path():
        candidate = Path(folder) / f"python{version}"
        if candidate.exists() and _version_of(candidate) == version:
            return candidate
    raise EnvironmentInvalid(
        f"The model was trained with Python {version}, and this machine's PATH has no working python{version}; "
        "install one, or train the model with a Python that is installed here"
    )


def _version_of(python: Path) -> str | None:
    asked = [str(python), "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None


def _settings(base: Path) -> dict[str, str]:
    """Return pip's settings as variables of uv; those of our own pip, or the base's where we have none."""
    for python in (Path(sys.executable), base):
        listed = subprocess.run(  # noqa: S603 - a fixed command
            [python, "-m", "pip", "config", "list", "--disable-pip-version-check"],
            capture_output=True,
            text=True,
            check=False,
        )
        if listed.returncode == 0:
            return uv_environment(listed.stdout, os.environ)
    return {}
