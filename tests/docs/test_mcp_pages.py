"""The pages about MCP: their configurations and commands are ones that Andon takes, policy and toolbox fit together."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from andon.cli import app, loaded
from andon.mcp.server.catalogue import FIXED
from andon.policies import parse

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
GUARD = (HOW_TO / "guard-an-mcp-server.md").read_text(encoding="utf-8")
SERVE = (HOW_TO / "serve-agents-by-mcp.md").read_text(encoding="utf-8")
ADDRESS = "https://andon.bank.example"


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.+?)```", page, re.DOTALL)


def configured(page: str) -> dict[str, Any]:
    """Return what a client starts by the page's configuration."""
    ((server,),) = [json.loads(block)["mcpServers"].values() for block in blocks(page, "json")]
    found: dict[str, Any] = server
    return found


def taken(noun: str, verb: str, *options: str) -> dict[str, Any]:
    """Return the parameters that a command reads of its arguments, without running it."""
    group = loaded(noun)
    command, given = (group.commands[verb], options) if hasattr(group, "commands") else (group, (verb, *options))
    with command.make_context(verb, list(given)) as context:
        parameters: dict[str, Any] = context.params
        return parameters


@pytest.mark.parametrize("page", [GUARD, SERVE], ids=["guard", "serve"])
def test_the_configurations_start_a_program_with_its_key_in_the_environment(page: str) -> None:
    server = configured(page)
    assert (server["command"], list(server["env"])) == ("andon", ["ANDON_KEY"])
    read = taken(*server["args"])
    assert (read["andon"], read["key_env"]) == (ADDRESS, "ANDON_KEY")
    assert read.get("command", ["uvx"])[0] == "uvx"


def test_the_page_names_the_tools_that_an_agent_finds() -> None:
    listed = re.findall(r"^\| `(\w+)` \| ", SERVE.partition("## What the agent finds")[2], re.MULTILINE)
    assert listed == ["decide_NAME", *(tool["name"] for tool in FIXED)]


def test_the_policy_and_the_toolbox_name_the_same_tools() -> None:
    (policy,), (python,) = blocks(GUARD, "yaml"), blocks(GUARD, "python")
    table = parse(policy, source="desk_tools.yaml")
    space: dict[str, Any] = {}
    exec(python, space)
    assert sorted(space["toolbox"].tools) == sorted(name for names in table.lists.values() for name in names)


def test_the_policy_is_tried_on_one_call_without_a_server(tmp_path: Path) -> None:
    (policy,), (call,) = blocks(GUARD, "yaml"), re.findall(r'`(\{"input": .+\})`', GUARD)
    (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
    (tmp_path / "call.json").write_text(call, encoding="utf-8")
    arguments = ["policy", "try", str(tmp_path / "policy.yaml"), "--input", str(tmp_path / "call.json"), "--json"]
    tried = json.loads(CliRunner().invoke(app, arguments).output)
    assert (tried["outcome"], tried["rule"]) == ("review", "changes")


@pytest.mark.parametrize(
    "command", [line for page in (GUARD, SERVE) for block in blocks(page, "sh") for line in block.splitlines()]
)
def test_the_commands_are_ones_that_andon_takes(command: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "andon"
    assert taken(*arguments)
