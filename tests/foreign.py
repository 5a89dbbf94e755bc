"""Programs of others, run in environments of their own: what they need does not fit beside what we need."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.environments import python_of

CLIENTS = Path(__file__).parent / "clients"


def clients_python() -> Path:
    """Return the Python that has NVIDIA's and KServe's clients; build its environment when it is not there yet."""
    return python_of("inference-clients", CLIENTS / "requirements.lock")


def generators_python() -> Path:
    """Return the Python that has the generators of clients, and what their clients need."""
    return python_of("client-generators", CLIENTS / "generators.lock")


def mcp_servers_python() -> Path:
    """Return the Python that has MCP servers from public packages; build its environment when it is not there yet."""
    return python_of("mcp-servers", CLIENTS / "mcp_servers.lock")


def client(script: str, *arguments: str) -> Any:
    """Run a script of `tests/clients` with the inference clients and return what it printed."""
    return _printed(clients_python(), script, *arguments)


def generated(script: str, *arguments: str, key: str) -> Any:
    """Run a script of `tests/clients` with the generators and return what it printed; its environment holds the key."""
    return _printed(generators_python(), script, *arguments, ANDON_KEY=key)


def _printed(python: Path, script: str, *arguments: str, **environment: str) -> Any:
    done = subprocess.run(
        [python, "-W", "ignore", CLIENTS / script, *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout)


if __name__ == "__main__":
    clients_python()
    generators_python()
    mcp_servers_python()
