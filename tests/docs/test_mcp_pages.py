"""The pages about MCP: their configurations start what they say, and their policy and toolbox fit together."""

import asyncio
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from andon.cli import loaded
from andon.policies import parse
from guarding import KEY, FakeGateway

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
GUARD = (HOW_TO / "guard-an-mcp-server.md").read_text(encoding="utf-8")
SERVE = (HOW_TO / "serve-agents-by-mcp.md").read_text(encoding="utf-8")
NOTES = str(Path(__file__).parents[1] / "notes_server.py")
ADDRESS = "https://andon.bank.example"


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.+?)```", page, re.DOTALL)


def configured(page: str, address: str, tmp_path: Path) -> StdioServerParameters:
    """Return what a client starts by the page's configuration, on this machine."""
    ((server,),) = [json.loads(block)["mcpServers"].values() for block in blocks(page, "json")]
    arguments = [address if one == ADDRESS else one for one in server["args"]]
    if "uvx" in arguments:
        arguments[arguments.index("uvx") :] = [sys.executable, NOTES, str(tmp_path / "notes.txt")]
    assert (server["command"], list(server["env"])) == ("andon", ["ANDON_KEY"])
    andon = str(Path(sys.executable).with_name("andon"))
    return StdioServerParameters(command=andon, args=arguments, env={"ANDON_KEY": KEY})


def test_the_configurations_start_a_guard_and_a_server(tmp_path: Path) -> None:
    gateway = FakeGateway({"read_notes": "allow"})

    async def first_of(page: str, address: str) -> Any:
        async with Client(configured(page, address, tmp_path)) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    async def denied(page: str, address: str) -> Any:
        async with Client(configured(page, address, tmp_path)) as client:
            return (await client.call_tool("read_notes", {})).content[0].text

    with gateway.listening() as address:
        assert "There is no toolbox 'desk-tools'" in asyncio.run(denied(GUARD, address))
        told = asyncio.run(first_of(SERVE, address))
    listed = re.findall(r"^\| `(\w+)` \| ", SERVE.partition("## What the agent finds")[2], re.MULTILINE)
    assert listed == ["decide_NAME", *told]


def test_the_policy_and_the_toolbox_name_the_same_tools() -> None:
    (policy,), (python,) = blocks(GUARD, "yaml"), blocks(GUARD, "python")
    table = parse(policy, source="desk_tools.yaml")
    space: dict[str, Any] = {}
    exec(python, space)
    assert sorted(space["toolbox"].tools) == sorted(name for names in table.lists.values() for name in names)


@pytest.mark.parametrize(
    "command", [line for page in (GUARD, SERVE) for block in blocks(page, "sh") for line in block.splitlines()]
)
def test_the_commands_are_ones_that_andon_has(command: str) -> None:
    program, noun, verb, *options = shlex.split(command)
    assert program == "andon"
    known = {name for parameter in loaded(noun).commands[verb].params for name in parameter.opts}
    own = options[: options.index("--")] if "--" in options else options
    assert {option for option in own if option.startswith("--")} <= known
