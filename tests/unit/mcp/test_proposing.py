"""The proposal of a policy: what it allows, asks about and denies, and that it is a policy which Andon takes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from andon.kernel import strict_yaml
from andon.mcp.errors import ProposalEmpty
from andon.mcp.guard.proposing import changes, policy_of, toolbox_of
from andon.mcp.guard.recording import ToolRecorder, ToolSeen
from andon.mcp.guard.running import free_name
from andon.policies import parse
from guarding import memory_channels


def seen(name: str, *, calls: int = 1, **annotations: bool) -> ToolSeen:
    return ToolSeen(name, annotations, calls=calls)


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (seen("git_status", readOnlyHint=True), False),
        (seen("get_current_time"), False),
        (seen("searchMails"), False),
        (seen("delete_file"), True),
        (seen("sendMail"), True),
        (seen("payInvoice", readOnlyHint=True), True),
        (seen("list_files", destructiveHint=True), True),
        (seen("list_files", readOnlyHint=False), True),
        (seen("frobnicate"), True),
    ],
    ids=lambda value: value.name if isinstance(value, ToolSeen) else str(value),
)
def test_a_tool_that_may_change_something_is_told_by_what_it_says_and_by_its_name(
    tool: ToolSeen, expected: bool
) -> None:
    assert changes(tool) is expected


def test_the_proposal_is_a_policy_that_allows_reads_and_asks_about_changes_and_denies_the_rest() -> None:
    text = policy_of([seen("get_x"), seen("send_x", calls=3), seen("drop_x", calls=0)])
    table = strict_yaml.read(text, source="desk.yaml")
    assert table["lists"] == {"reads": ["get_x"], "changes": ["send_x"]}
    assert [(rule["id"], rule["then"]) for rule in table["rules"]] == [("reads", "allow"), ("changes", "ask")]
    assert table["otherwise"] == "deny"
    assert "called 3 times" in text
    assert "#   drop_x" in text
    assert len(parse(text, source="desk.yaml").rules) == 2


def test_names_that_would_break_the_file_do_not() -> None:
    text = policy_of([seen("it's\nodd: [x] # y")])
    assert strict_yaml.read(text, source="desk.yaml")["lists"] == {"changes": ["it's?odd: [x] # y"]}


def test_nothing_seen_is_nothing_proposed() -> None:
    with pytest.raises(ProposalEmpty):
        policy_of([seen("get_x", calls=0)])


def test_the_toolbox_is_a_declaration_that_loads(tmp_path: Path) -> None:
    tools = [seen("get_x"), seen("send_x")]
    policy = tmp_path / "desk.yaml"
    policy.write_text(policy_of(tools), encoding="utf-8")
    space: dict[str, Any] = {}
    exec(toolbox_of(tools, name="desk", policy=policy), space)
    assert list(space["toolbox"].tools) == ["get_x", "send_x"]


def test_a_name_that_no_toolbox_can_have_is_left_out_of_it() -> None:
    text = toolbox_of([seen("get x"), seen("get_x")], name="desk", policy=Path("desk.yaml"))
    assert 'Tool("get_x")' in text
    assert "# get x: no toolbox" in text


def test_a_proposal_overwrites_nothing(tmp_path: Path) -> None:
    policy = tmp_path / "desk.yaml"
    assert free_name(policy) == policy
    for taken in ("desk.yaml", "desk_2.yaml"):
        (tmp_path / taken).touch()
    assert free_name(policy).name == "desk_3.yaml"


def test_values_are_kept_only_where_the_server_lists_them() -> None:
    async def test() -> ToolRecorder:
        client, to_client = memory_channels()
        server, to_server = memory_channels()
        recorder = ToolRecorder(to_client, to_server)
        schema = {"properties": {"team": {"enum": ["cards", "loans"]}, "name": {"type": "string"}}}
        listed = {"name": "get_x", "inputSchema": schema, "annotations": {"readOnlyHint": True}}
        running = asyncio.create_task(recorder.run())
        await client.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        await server.receive()
        await server.send({"jsonrpc": "2.0", "id": 1, "result": {"tools": [listed, "odd", {"name": 1}]}})
        await client.receive()
        arguments = {"team": "cards", "name": "Ada Lovelace", "amount": 4711, "urgent": True}
        params = {"name": "get_x", "arguments": arguments}
        await client.send({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params})
        assert (await server.receive() or {})["params"] == params
        recorder.stop()
        await running
        return recorder

    text = policy_of(asyncio.run(test()).tools.values())
    assert "amount: integer; name: string; team: string (cards); urgent: boolean (true)" in text
    assert "Ada" not in text
    assert "4711" not in text
