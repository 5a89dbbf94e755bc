"""The run of a builder's training script in its own process, and the package that it wrote."""

import os
import signal
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import IO

from andon.models.errors import TrainingFailed
from andon.models.manifest import MANIFEST_FILE
from andon.models.packing import FOLDER_VARIABLE

_SHOWN_LINES = 40


def train(script: Path, folder: Path, *, limit: timedelta) -> Path:
    """Run `script` in its own folder; its `pack` writes into `folder`.

    The script gets none of this installation's settings and secrets. At the time limit it is ended with everything it
    started. Raises TrainingFailed with the end of what it printed.
    """
    if not script.is_file():
        raise TrainingFailed(f"There is no script {script}")
    package = folder / "package"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
    environment[FOLDER_VARIABLE] = str(package)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - running the builder's script is what was asked for
            [sys.executable, "-u", script.name],
            cwd=script.resolve().parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout=limit.total_seconds())
        except subprocess.TimeoutExpired as error:
            raise TrainingFailed(f"{script.name} did not end within {limit}{_end_of(output)}") from error
        finally:
            _end_all(process)
        if status != 0:
            raise TrainingFailed(f"{script.name} ended with status {status}{_end_of(output)}")
        if not (package / MANIFEST_FILE).is_file():
            raise TrainingFailed(f"{script.name} succeeded but packed no model: call andon.models.pack(...) in it")
    return package


def _end_all(process: "subprocess.Popen[bytes]") -> None:
    """End the script's whole process group, so that nothing of it continues after an interrupt or the limit."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _end_of(output: IO[bytes]) -> str:
    output.seek(0)
    lines = output.read().decode("utf-8", "replace").splitlines()
    return "".join(f"\n  {line}" for line in ["; it printed:", *lines[-_SHOWN_LINES:]]) if lines else ""
