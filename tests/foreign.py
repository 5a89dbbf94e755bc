"""Foreign programs, run in environments of their own, since their dependencies conflict with ours."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
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


def robots_python() -> Path:
    """Return the Python that has the clients and robots of vendors."""
    return python_of("robots", CLIENTS / "robots.lock")


def client(script: str, *arguments: str) -> Any:
    """Run a script of `tests/clients` with the inference clients and return what it printed."""
    return _printed(clients_python(), script, *arguments)


def generated(script: str, *arguments: str, key: str) -> Any:
    """Run a script of `tests/clients` with the generators and return what it printed; its environment holds the key."""
    return _printed(generators_python(), script, *arguments, ANDON_KEY=key)


def robot(script: str, *arguments: str, environment: Mapping[str, str]) -> Any:
    """Run a script of `tests/clients` with the clients of robots, in this environment alone; what it printed."""
    return json.loads(_ran([robots_python(), "-W", "ignore", CLIENTS / script, *arguments], environment).stdout)


def robot_task(script: str, *, environment: Mapping[str, str]) -> str:
    """Run the tasks of a script of `tests/clients` as Robocorp does, in this environment alone; what they said."""
    order = [robots_python(), "-W", "ignore", "-m", "robocorp.tasks", "run", CLIENTS / script, "--console", "plain"]
    done = _ran(order, environment)
    return done.stdout + done.stderr


def _ran(order: Sequence[Any], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(order, capture_output=True, text=True, timeout=90, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


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
    if "--all" in sys.argv:
        generators_python()
        mcp_servers_python()
    robots_python()
