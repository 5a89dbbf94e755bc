"""Programs of others, run in an environment of their own: what they need does not fit beside what we need."""

import json
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.environments import python_of

CLIENTS = Path(__file__).parent / "clients"


def clients_python() -> Path:
    """Return the Python with NVIDIA's and KServe's clients; its environment is built if necessary."""
    return python_of("inference-clients", CLIENTS / "requirements.lock")


def client(script: str, *arguments: str) -> Any:
    """Return what a script of `tests/clients` printed."""
    done = subprocess.run(
        [clients_python(), "-W", "ignore", CLIENTS / script, *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


if __name__ == "__main__":
    clients_python()
