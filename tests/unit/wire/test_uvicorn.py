"""uvicorn is the version that the wire was tested with, and has what the wire overrides and sets."""

import asyncio
import inspect
import json
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from andon.wire.bounds import BoundedConnection
from andon.wire.connection import WireConnection
from andon.wire.held import HeldRequest
from andon.wire.server import HttpServer
from wiring import Echo, connected

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

OWN = {"make_last", "is_quiet", "descriptor", "pause", "resume"}
"""Names of connections that uvicorn does not have."""


def test_the_installed_uvicorn_is_the_one_that_the_wire_was_tested_with() -> None:
    (pinned,) = [one for one in PROJECT["dependencies"] if one.startswith("uvicorn")]
    assert pinned == f"uvicorn=={version('uvicorn')}", (
        "The wire rests on uvicorn's insides. To move to another version, follow `uvicorn is pinned` in "
        "src/andon/wire/README.md."
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(BoundedConnection, HttpToolsProtocol), (WireConnection, HttpToolsProtocol), (HttpServer, uvicorn.Server)],
)
def test_what_the_wire_overrides_is_there_with_the_same_parameters(ours: type, theirs: type) -> None:
    overridden = {name for name, value in vars(ours).items() if inspect.isfunction(value) and name[0] != "_"} - OWN
    assert overridden
    mine = {name: list(inspect.signature(getattr(ours, name)).parameters) for name in overridden}
    assert mine == untouched(theirs, sorted(overridden))


def untouched(owner: type, names: list[str]) -> dict[str, list[str]]:
    """Return the parameters of methods, read in another process: sse-starlette, when it is imported, replaces one."""
    code = f"""
import inspect, json
from {owner.__module__} import {owner.__name__} as owner
print(json.dumps({{name: list(inspect.signature(getattr(owner, name)).parameters) for name in {names!r}}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_what_the_wire_sets_and_reads_of_a_connection_is_there() -> None:
    async def attributes() -> dict[str, object]:
        connection, _ = connected(Echo())
        return vars(connection)

    there = asyncio.run(attributes())
    assert {"cycle", "pipeline", "flow", "headers", "parser", "expect_100_continue", "server_state", "loop"} <= set(
        there
    )


def test_a_held_request_and_a_cycle_of_uvicorn_have_the_same_names() -> None:
    made = inspect.getsource(RequestResponseCycle.__init__)
    for name in {*HeldRequest.__struct_fields__, "response_started"} - {"automation"}:
        assert f"self.{name} = " in made, name
