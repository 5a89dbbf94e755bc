"""Running a guard or a recorder on standard input and output, until one side ends or a signal arrives."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from andon.mcp.channels import Channel, standard_streams
from andon.mcp.errors import GuardedServerFailed, ProposalEmpty, RecordUnusable
from andon.mcp.gateway_client import GatewayClient
from andon.mcp.guard.commands import CommandServer
from andon.mcp.guard.desk import CallDesk
from andon.mcp.guard.governing import ToolGuard
from andon.mcp.guard.http_servers import connected
from andon.mcp.guard.proposing import policy_of, toolbox_of
from andon.mcp.guard.recording import ToolRecorder
from andon.mcp.guard.relay import Relay

_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class GuardedServer:
    """The guarded server: a command, or a URL and the bearer key of its server."""

    command: Sequence[str] = ()
    url: str | None = None
    key: str | None = None
    hidden: Collection[str] = ()

    @asynccontextmanager
    async def opened(self, environment: Mapping[str, str]) -> AsyncIterator[Channel]:
        """Start or reach the server. It never sees the `hidden` variables. Raises GuardedServerFailed."""
        if self.url is not None:
            async with connected(self.url, self.key) as channel:
                yield channel
            return
        seen = {name: value for name, value in environment.items() if name not in self.hidden}
        server = await CommandServer.started(self.command, seen)
        try:
            yield server
        finally:
            await server.aclose()


@dataclass(frozen=True, slots=True)
class Governing:
    """The rules for calls: the toolbox, the agent and run, and how long a call waits for a person."""

    gateway: str
    key: str
    toolbox: str
    agent: str | None
    run: str | None
    wait_seconds: float


def guard_server(guarded: GuardedServer, governing: Governing) -> None:
    """Guard a server until one side ends. Raises GuardedServerFailed."""

    async def guarding() -> None:
        client = await standard_streams()
        gateway = GatewayClient(governing.gateway, governing.key)
        try:
            async with guarded.opened(os.environ) as server:
                desk = CallDesk(gateway, governing.toolbox, run=governing.run)
                guard = ToolGuard(
                    client,
                    server,
                    desk,
                    agent=governing.agent,
                    wait_seconds=governing.wait_seconds,
                    poll_seconds=_POLL_SECONDS,
                    now=lambda: datetime.now(UTC),
                    note=note,
                )
                await _until_signal(guard)
        finally:
            await gateway.aclose()

    asyncio.run(guarding())


def record_server(guarded: GuardedServer, policy: Path, *, toolbox: str) -> None:
    """Pass everything through, and at the end write a proposed policy with its toolbox next to it.

    No file is overwritten: the next free name is taken. Raises RecordUnusable before anything starts.
    """
    if not policy.parent.is_dir() or not os.access(policy.parent, os.W_OK):
        raise RecordUnusable(f"{policy}: there is no folder {policy.parent} that can be written to")

    async def recording() -> ToolRecorder:
        client = await standard_streams()
        async with guarded.opened(os.environ) as server:
            recorder = ToolRecorder(client, server)
            await _until_signal(recorder)
            return recorder

    tools = asyncio.run(recording()).tools.values()
    policy = free_name(policy)
    declared = policy.with_name(f"{policy.stem}_toolbox.py")
    try:
        policy.write_text(policy_of(tools), encoding="utf-8")
    except ProposalEmpty as empty:
        note(str(empty))
        return
    declared.write_text(toolbox_of(tools, name=toolbox, policy=policy), encoding="utf-8")
    note(f"Proposed: {policy} and {declared}. Read both before they are used.")


def free_name(policy: Path) -> Path:
    """Return the file for a proposal, with a number in its name if the plain name is taken."""
    names = (policy.with_name(f"{policy.stem}_{number}{policy.suffix}") for number in count(2))
    return next(name for name in chain([policy], names) if not name.exists())


def note(text: str) -> None:
    """Write a line for people to standard error, because standard output belongs to the protocol."""
    print(f"andon mcp guard: {text}", file=sys.stderr, flush=True)  # noqa: T201


async def _until_signal(relay: Relay) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, relay.stop)
    if await relay.run():
        raise GuardedServerFailed("The guarded server ended on its own")
