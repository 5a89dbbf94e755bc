"""A guarded server as a child process, reached over its standard input and output."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from andon.mcp.channels import LineChannel
from andon.mcp.errors import GuardedServerFailed
from andon.mcp.jsonrpc import LONGEST_MESSAGE, Message

_GRACE_SECONDS = 2.0
"""Time for a server to end after its input has ended, and again after SIGTERM."""


class CommandServer:
    """The process of a guarded server, which shares our standard error."""

    def __init__(self, process: asyncio.subprocess.Process, lines: LineChannel) -> None:
        self._process, self._lines = process, lines

    @classmethod
    async def started(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Start a command. Raises GuardedServerFailed."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=dict(environment),
                limit=LONGEST_MESSAGE,
                start_new_session=True,
            )
        except OSError as error:
            raise GuardedServerFailed(f"{command[0]} cannot be started: {error.strerror}") from error
        assert process.stdin is not None  # noqa: S101 - as asked for above
        assert process.stdout is not None  # noqa: S101
        return cls(process, LineChannel(process.stdout, process.stdin, answers=False))

    async def receive(self) -> Message | None:
        """Return its next message; None when it has ended."""
        return await self._lines.receive()

    async def send(self, message: Message) -> None:
        """Send it a message."""
        await self._lines.send(message)

    async def aclose(self) -> None:
        """End the process and its children: close its input, then send SIGTERM, then SIGKILL."""
        await self._lines.aclose()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _GRACE_SECONDS)
                return
