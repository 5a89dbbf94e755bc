"""The desk, which has tool calls of one run decided by one toolbox of a running Andon."""

from collections.abc import Mapping
from typing import Any

from andon.mcp.errors import AndonRefused, AndonUnreachable
from andon.mcp.gateway_client import GatewayClient, RemoteCall
from andon.mcp.jsonrpc import digest_of


class CallDesk:
    """Asks a toolbox about calls, and reports their ends."""

    def __init__(self, gateway: GatewayClient, toolbox: str, *, run: str | None) -> None:
        self._gateway, self._toolbox, self._run = gateway, toolbox, run

    async def ask(self, tool: str, arguments: Mapping[str, Any], agent: str) -> RemoteCall:
        """Have a call decided. Raises AndonRefused and AndonUnreachable."""
        call = await self._gateway.call(self._toolbox, tool, arguments, agent=agent, run=self._run)
        if call.digest != digest_of(arguments):
            raise AndonRefused("Andon decided about other arguments than those of the request")
        return call

    async def look(self, call_id: str) -> RemoteCall:
        """Return a call in its present state. Raises AndonRefused and AndonUnreachable."""
        return await self._gateway.find_call(call_id)

    async def left_open(self) -> list[RemoteCall]:
        """Return the calls of this run that an earlier guard left waiting, or left approved and unused."""
        return await self._gateway.left_open(self._toolbox, run=self._run)

    async def begin(self, call: RemoteCall) -> None:
        """Spend the permit of a call. If this raises no error, the call may be made, once."""
        await self._gateway.begin(call.id, call.digest)

    async def finish(self, call: RemoteCall, outcome: Mapping[str, Any]) -> str | None:
        """Report how a call ended. Return None, or why the report failed."""
        try:
            await self._gateway.finish(call.id, outcome)
        except (AndonRefused, AndonUnreachable) as error:
            return str(error)
        return None
