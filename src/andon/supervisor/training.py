"""A project without a model: its training script gives it the first one, without which nothing could be decided."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from andon.supervisor.leash import leashed
from andon.supervisor.signals import Signals

_LOOK_SECONDS = 0.1

REASON = "the first model, trained by `andon up`"


class Training(NamedTuple):
    """The end of a training: `stopped` by a signal, or `failed` with the reason in a line."""

    stopped: bool = False
    failed: str | None = None


def train(root: Path, script: str, url: str, signals: Signals, say: Callable[[str], None]) -> Training:
    """Run the script and let what it packs answer.

    A failure is printed and ends nothing: the other parts run, a model can be registered at any time, and the next
    start tries again.
    """
    say(f"model     training the first model with {script}")
    register = ["models", "register", "--from-script", script, "--alias", "champion", "--reason", REASON]
    inherited = {name: value for name, value in os.environ.items() if name != "ANDON_DATABASE_URL_FILE"}
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(  # noqa: S603 - our own program
            leashed([sys.executable, "-P", "-m", "andon", *register]),
            cwd=root,
            env={**inherited, "ANDON_DATABASE_URL": url},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        while process.poll() is None:
            if signals.stop_within(_LOOK_SECONDS):
                process.terminate()
                return Training(stopped=True)
        said.seek(0)
        told = said.read().strip()
    if process.returncode == 0:
        say(f"model     {told}")
        return Training()
    why = told or f"it was ended by signal {-process.returncode}, as the system does when memory runs out"
    say(f"model     there is none yet; {why}")
    return Training(failed=_reason(why))


def _reason(told: str) -> str:
    """Return the line that says why: the last, which an exception ends with."""
    return told.splitlines()[-1].strip()
