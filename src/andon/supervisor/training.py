"""A project without a model: its training script gives it the first one, without which nothing could be decided."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from andon.supervisor.leash import leashed
from andon.supervisor.signals import Signals

_LOOK_SECONDS = 0.1

REASON = "the first model, trained by `andon up`"


def train(root: Path, script: str, url: str, signals: Signals, say: Callable[[str], None]) -> bool:
    """Run the script and make its model the champion. Return False if a signal to stop came meanwhile.

    A failure is reported, and no reason to end: everything else runs, a model can be registered at any time, and the
    next start tries again.
    """
    say(f"model     training the first one by {script}")
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
                return False
        said.seek(0)
        told = said.read().strip()
    say(f"model     {told}" if process.returncode == 0 else f"model     there is none yet; {told}")
    return True
