"""`andon mcp` as a program: called by the official client, in front of a server of ours, beside a gateway in memory."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from guarding import KEY, FakeGateway
from tasking import Tasks

pytestmark = pytest.mark.long

ANDON = str(Path(sys.executable).with_name("andon"))
SERVER = str(Path(__file__).parents[2] / "notes_server.py")
POLICY = {"read_notes": "allow", "write_note": "ask", "environment": "allow"}


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(dict(POLICY))


@pytest.fixture
def address(gateway: FakeGateway) -> Iterator[str]:
    with gateway.listening() as url:
        yield url


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes.txt"


@asynccontextmanager
async def program(*arguments: str, mode: Any = "auto", **more: Any) -> AsyncIterator[Client]:
    environment = {"ANDON_KEY": KEY, "UPSTREAM_KEY": "other"}
    parameters = StdioServerParameters(command=ANDON, args=["mcp", *arguments], env=environment)
    async with Client(parameters, mode=mode, **more) as client:
        yield client


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def text_of(answer: Any) -> str:
    return str(answer.content[0].text)


def guard(address: str, *more: str) -> tuple[str, ...]:
    return ("guard", "--toolbox", "bank-tools", "--andon", address, "--wait", "0", *more)


def test_a_guarded_server_works_unchanged_but_for_what_is_decided(
    address: str, gateway: FakeGateway, notes: Path
) -> None:
    notes.write_text("first\n", encoding="utf-8")

    async def test() -> None:
        async with program(*guard(address), "--", sys.executable, SERVER, str(notes)) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == {*POLICY, "drop_notes"}
            assert text_of(await client.call_tool("read_notes", {})) == "first\n"
            resource: Any = (await client.read_resource("notes://all")).contents[0]
            assert resource.text == "first\n"
            denied = await client.call_tool("drop_notes", {})
            assert denied.is_error
            assert "NOT_FOR_AGENTS" in text_of(denied)
            seen = str((await client.call_tool("environment", {})).structured_content)
            assert ("PATH" in seen, "ANDON_KEY" in seen) == (True, False)
            assert "Waiting for a person" in text_of(await client.call_tool("write_note", {"text": "x"}))
            gateway.decide(list(gateway.calls)[-1], "allowed")
            assert text_of(await client.call_tool("write_note", {"text": "x"})) == "noted x"

    run(test)
    assert notes.read_text(encoding="utf-8") == "first\nx\n"
    assert gateway.states() == ["done", "denied", "done", "done"]
    assert {call["agent"] for call in gateway.calls.values()} == {"mcp"}


def test_a_client_that_speaks_tasks_gets_the_result_of_a_server_on_the_network(
    address: str, gateway: FakeGateway, notes: Path
) -> None:
    async def on_made(task: str) -> None:
        gateway.decide(task, "allowed")

    async def test() -> None:
        with on_the_network(notes) as url:
            more = ("--url", url, "--url-key-env", "UPSTREAM_KEY")
            async with program(*guard(address, *more), extensions=[Tasks(on_made)]) as client:
                assert text_of(await client.call_tool("read_notes", {})) == ""
                assert text_of(await client.call_tool("write_note", {"text": "x"})) == "noted x"
            async with program(*guard(address, *more), mode="legacy") as client:
                assert text_of(await client.call_tool("read_notes", {})) == "x\n"

    run(test)
    assert gateway.states() == ["done", "done", "done"]


def test_a_guard_that_is_killed_leaves_its_call_begun(address: str, gateway: FakeGateway, notes: Path) -> None:
    gateway.policy["write_note"] = "allow"
    order = [ANDON, "mcp", *guard(address), "--", sys.executable, "-c", "import sys; [None for _ in sys.stdin]"]
    call = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write_note","arguments":{"text":"x"}}}\n'
    with subprocess.Popen(
        order, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "ANDON_KEY": KEY}
    ) as guarding:
        assert guarding.stdin is not None
        guarding.stdin.write(call)
        guarding.stdin.flush()
        until(lambda: gateway.states() == ["begun"])
        guarding.kill()
    assert gateway.states() == ["begun"]


def test_a_recording_becomes_a_policy_and_a_toolbox(notes: Path, tmp_path: Path) -> None:
    policy = tmp_path / "notes.yaml"

    async def test() -> None:
        async with program("guard", "--record", str(policy), "--", sys.executable, SERVER, str(notes)) as client:
            await client.list_tools()
            await client.call_tool("read_notes", {})
            await client.call_tool("write_note", {"text": "ada@bank.example"})

    run(test)
    until((tmp_path / "notes_toolbox.py").exists)
    written = policy.read_text(encoding="utf-8")
    assert yaml.safe_load(written)["lists"] == {"reads": ["read_notes"], "changes": ["write_note"]}
    assert "ada@bank.example" not in written
    assert "text: string" in written
    assert 'Tool("write_note")' in (tmp_path / "notes_toolbox.py").read_text(encoding="utf-8")


def test_agents_are_served_over_stdio_and_over_http(address: str, gateway: FakeGateway) -> None:
    async def test() -> None:
        async with program("serve", "--andon", address) as client:
            assert "request_tool_call" in {tool.name for tool in (await client.list_tools()).tools}

    run(test)
    port = free_port()
    order = [ANDON, "mcp", "serve", "--andon", address, "--http", f"127.0.0.1:{port}"]
    with subprocess.Popen(order, stderr=subprocess.PIPE) as serving:
        try:
            assert serving.stderr is not None
            assert f"127.0.0.1:{port}/mcp" in serving.stderr.readline().decode()
            asyncio.run(over_http(f"http://127.0.0.1:{port}/mcp"))
        finally:
            serving.send_signal(signal.SIGTERM)
        assert serving.wait(timeout=10) == 0


async def over_http(url: str) -> None:
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    async with (
        create_mcp_http_client(headers={"Authorization": f"Bearer {KEY}"}) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        call = {"toolbox": "bank-tools", "tool": "read_notes", "arguments": {}}
        assert (await client.call_tool("request_tool_call", call)).structured_content["state"] == "allowed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["guard", "--toolbox", "t"], "after `--`, or --url"),
        (["guard", "--toolbox", "t", "--key-env", "NO_SUCH", "--", "true"], "NO_SUCH (of --key-env) holds no key"),
        (["serve", "--http", "0.0.0.0:1"], "--allowed-host"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(arguments: list[str], words: str) -> None:
    ended = subprocess.run(
        [ANDON, "mcp", *arguments], capture_output=True, text=True, env={**os.environ, "ANDON_KEY": KEY}, timeout=60
    )
    assert ended.returncode == 2
    assert words in " ".join(ended.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (["--", "/no/such/server"], "/no/such/server cannot be started"),
        (["--", "true"], "The guarded server ended on its own"),
    ],
)
def test_a_server_that_cannot_be_guarded_is_told(server: list[str], words: str) -> None:
    order = [ANDON, "mcp", "guard", "--toolbox", "t", *server]
    with subprocess.Popen(
        order,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "ANDON_KEY": KEY},
    ) as ended:
        assert ended.wait(timeout=60) == 6
        assert ended.stderr is not None
        assert words in ended.stderr.read().decode()


@contextmanager
def on_the_network(notes: Path) -> Iterator[str]:
    port = free_port()
    with subprocess.Popen([sys.executable, SERVER, str(notes), str(port)], stderr=subprocess.DEVNULL) as serving:
        try:
            until(lambda: answers(port))
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            serving.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends, "it did not come to be"
        time.sleep(0.02)
