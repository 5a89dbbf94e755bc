"""`andon mcp guard` in front of MCP servers from public packages, unchanged, with a real gateway that decides."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from andon import Policy, Review, Toolbox, reviews, tools
from andon.access import Grant, Role
from andon.kernel.db import Database
from foreign import mcp_servers_python
from lines import Installation, install
from listening import listening
from tasking import Tasks

pytestmark = [pytest.mark.long, pytest.mark.campaign]

POLICY = """
outcomes: [allow, deny, ask]
lists:
  reads: [git_status, git_log, get_current_time, convert_time]
  changes: [git_add, git_commit]
rules:
  - {id: reads, when: input.tool in lists.reads, then: allow}
  - {id: changes, when: input.tool in lists.changes, then: ask, reasons: [CHANGES_SOMETHING]}
otherwise: deny
"""


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    box = Toolbox("desk-tools", policy=Policy.yaml(POLICY), review=Review(queue="agents"), unlisted=True)
    return install(database, tmp_path, box)


@pytest.fixture
def agent(installation: Installation) -> str:
    return installation.key("claudia", Grant(Role.AGENT, "desk-tools"))


@pytest.fixture
def reviewer(installation: Installation) -> str:
    return installation.key("rita", Grant(Role.REVIEWER, "desk-tools"))


@pytest.fixture
def gateway(installation: Installation, agent: str, reviewer: str) -> Iterator[str]:
    """One that knows the keys."""
    with listening(installation) as url:
        yield url


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    for order in ("init -q", "config user.name Ada", "config user.email ada@bank.example", "config commit.gpgsign no"):
        subprocess.run(["git", *order.split()], cwd=folder, check=True)
    (folder / "note.txt").write_text("hello\n", encoding="utf-8")
    return folder


@asynccontextmanager
async def guarded(gateway: str, key: str, *server: str, **more: Any) -> AsyncIterator[Client]:
    andon = str(Path(sys.executable).with_name("andon"))
    arguments = ["mcp", "guard", "--toolbox", "desk-tools", "--andon", gateway, "--wait", "0", "--"]
    order = StdioServerParameters(
        command=andon, args=[*arguments, str(mcp_servers_python()), "-m", *server], env={"ANDON_KEY": key}
    )
    async with Client(order, **more) as client:
        yield client


def test_git_is_read_freely_changed_after_approval_and_never_reset(
    gateway: str, installation: Installation, agent: str, reviewer: str, repository: Path
) -> None:
    async def on_made(task: str) -> None:
        await asyncio.to_thread(approve, gateway, installation, reviewer)

    async def test() -> None:
        where = {"repo_path": str(repository)}
        async with guarded(
            gateway, agent, "mcp_server_git", "--repository", str(repository), extensions=[Tasks(on_made, 0.2)]
        ) as client:
            assert "git_commit" in {tool.name for tool in (await client.list_tools()).tools}
            assert "note.txt" in text_of(await client.call_tool("git_status", where))
            reset = await client.call_tool("git_reset", where)
            assert (reset.is_error, "The policy denies this call" in text_of(reset)) == (True, True)
            added = await client.call_tool("git_add", where | {"files": ["note.txt"]})
            assert not added.is_error, text_of(added)
            committed = await client.call_tool("git_commit", where | {"message": "first"})
            assert "committed successfully" in text_of(committed)

    asyncio.run(test())
    log = subprocess.run(["git", "log", "--format=%s"], cwd=repository, capture_output=True, text=True, check=True)
    assert log.stdout == "first\n"
    with installation.database.begin() as tx:
        made = tools.page(tx, toolboxes=["desk-tools"], now=datetime.now(UTC), limit=50)
    states = [(call.tool, call.state, call.answered_by) for call in reversed(made)]
    assert states == [
        ("git_status", "done", None),
        ("git_reset", "denied", None),
        ("git_add", "done", "rita"),
        ("git_commit", "done", "rita"),
    ]


def test_the_time_is_told_to_a_client_of_the_older_generation(
    gateway: str, installation: Installation, agent: str
) -> None:
    async def test() -> None:
        async with guarded(gateway, agent, "mcp_server_time", mode="legacy") as client:
            told = await client.call_tool("get_current_time", {"timezone": "UTC"})
            assert '"timezone": "UTC"' in text_of(told)
            wrong = await client.call_tool("get_current_time", {"timezone": "Nowhere/Land"})
            assert wrong.is_error

    asyncio.run(test())
    with installation.database.begin() as tx:
        made = tools.page(tx, toolboxes=["desk-tools"], now=datetime.now(UTC), limit=50)
    assert [call.state for call in made] == ["failed", "done"]


def approve(gateway: str, installation: Installation, key: str) -> None:
    """Answer the only open review as a person does."""
    with installation.database.begin() as tx:
        reviews.open_due(tx, now=datetime.now(UTC))
    with httpx.Client(base_url=gateway, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as http:
        [review] = http.get("/v1/reviews", params={"state": "open"}).json()["reviews"]
        http.post(f"/v1/reviews/{review['id']}/claim").raise_for_status()
        verdict = {"outcome": "allow", "reason": "it is wanted"}
        http.post(f"/v1/reviews/{review['id']}/verdict", json=verdict).raise_for_status()


def text_of(answer: Any) -> str:
    return str(answer.content[0].text)
