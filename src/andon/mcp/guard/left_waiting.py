"""Calls that were left waiting for a person. The same agent finds them again by making the same call."""

import asyncio

from andon.mcp.errors import AndonUnreachable
from andon.mcp.gateway_client import RemoteCall
from andon.mcp.guard.desk import CallDesk
from andon.mcp.guard.under_way import Mark


class CallsLeftWaiting:
    """The calls of one run to which the client has no answer yet."""

    def __init__(self, desk: CallDesk) -> None:
        self._desk = desk
        self._calls: dict[Mark, list[RemoteCall]] = {}
        self._recalling, self._has_recalled = asyncio.Lock(), False

    async def recall(self) -> None:
        """Read once which calls of this run an earlier guard left open."""
        async with self._recalling:
            if not self._has_recalled:
                for call in await self._desk.left_open():
                    self.keep((call.tool, call.digest), call)
                self._has_recalled = True

    async def take(self, mark: Mark, agent: str) -> RemoteCall | None:
        """Return an earlier call of the agent with the same arguments, in its present state, and forget it."""
        left = self._calls.get(mark, [])
        call = next((one for one in left if one.agent == agent), None)
        if call is None:
            return None
        left.remove(call)
        try:
            return await self._desk.look(call.id)
        except (AndonUnreachable, asyncio.CancelledError):
            left.append(call)
            raise

    def keep(self, mark: Mark, call: RemoteCall) -> None:
        """Keep a call that still waits."""
        self._calls.setdefault(mark, []).append(call)
