"""Andon's wheel in environments that hold nothing else, one for each supported Python."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.environments import build_wheel, install_wheel, python_of

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
OLDEST = PYTHONS[0]


def interpreter(version: str) -> str | None:
    """Return a Python of a version that runs: from the path, or one of pyenv's; None if there is none."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for candidate in (f"python{version}", *(str(one) for one in root.glob(f"versions/{version}.*/bin/python"))):
        with contextlib.suppress(OSError):
            if subprocess.run([candidate, "-c", ""], capture_output=True, timeout=60, check=False).returncode == 0:
                return candidate
    return None


def environment(version: str, found: str) -> Path:
    """Return the Python of an environment with all of Andon's dependencies but without Andon; build it if missing."""
    return python_of(f"wheel-{version}", ROOT / "requirements.lock", interpreter=found)


def andon_of(wheel: Path, version: str, found: str) -> str:
    """Install a wheel for a Python, and return the program `andon`."""
    python = environment(version, found)
    install_wheel(python, wheel)
    return str(python.with_name("andon"))


def built(folder: Path) -> Path:
    """Build the wheel of this checkout."""
    return build_wheel(ROOT, folder)


if __name__ == "__main__":
    for each in PYTHONS if "--all" in sys.argv else [OLDEST]:
        if there := interpreter(each):
            environment(each, there)
