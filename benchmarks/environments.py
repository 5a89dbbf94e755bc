"""Virtual environments in addition to our own, one for each lock file, kept outside the repository between runs.

They are in $ANDON_BENCH_CACHE or `~/.cache/andon-bench`; a change of the lock file, the Python or the installation
rebuilds one.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from andon.kernel.files import locked

UV = Path(__file__).parent.parent / "script" / "uv.py"


class EnvironmentFailed(Exception):
    """An environment could not be built; the message holds the end of uv's output."""


def cache() -> Path:
    """Return the folder of the environments."""
    return Path(os.environ.get("ANDON_BENCH_CACHE") or Path.home() / ".cache" / "andon-bench")


def python_of(name: str, lock: Path, *, interpreter: str = sys.executable) -> Path:
    """Return the Python of an environment with the packages of `lock`; `interpreter` builds it when it is missing.

    Waits for another process that is building it. Raises EnvironmentFailed.
    """
    folder = cache() / name
    python, marker = folder / "bin" / "python", folder / ".installed-from"
    install = ("pip", "install", "--compile-bytecode", "--python", str(python), "--no-deps", "-r", str(lock))
    wanted = hashlib.sha256(lock.read_bytes() + _version_of(interpreter) + " ".join(install).encode()).hexdigest()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{name}.lock")):
        if python.exists() and marker.exists() and marker.read_text(encoding="utf-8") == wanted:
            return python
        print(f"Installing {name} into {folder}", file=sys.stderr)
        _uv("venv", "--clear", "--python", interpreter, str(folder))
        _uv(*install)
        marker.write_text(wanted, encoding="utf-8")
    return python


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of a project into `folder` and return it. Raises EnvironmentFailed."""
    _uv("build", "--wheel", "--out-dir", str(folder), str(project))
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_wheel(python: Path, wheel: Path) -> None:
    """Install a wheel, without its dependencies, in place of the one in the environment. Raises EnvironmentFailed."""
    _uv("pip", "install", "--python", str(python), "--offline", "--no-deps", "--reinstall", str(wheel))


def _version_of(interpreter: str) -> bytes:
    order = [interpreter, "-c", "import sys; print(sys.version)"]
    try:
        return subprocess.run(order, capture_output=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentFailed(f"{interpreter} does not run: {error}") from error


def _uv(*arguments: str) -> None:
    command = [sys.executable, str(UV), "--quiet", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1_800, check=False)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailed(f"uv {arguments[0]} did not end within half an hour") from error
    if done.returncode != 0:
        raise EnvironmentFailed(f"uv {arguments[0]} failed: {(done.stderr or done.stdout).strip()[-600:]}")
