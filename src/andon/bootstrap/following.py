"""Following announced changes: quick ones are applied immediately, those that may load a model in the background."""

import asyncio
from collections.abc import Callable

import structlog

from andon import cord, gates, serving
from andon.decisions import Deployment
from andon.kernel.errors import Unavailable
from andon.kernel.listening import EVERYTHING

log = structlog.get_logger(__name__)

_DEPLOYED = frozenset({"models", "automations", EVERYTHING})
_CONTROLS = frozenset({cord.ANNOUNCED, gates.ANNOUNCED, serving.LEASED, EVERYTHING})
_KEYS = frozenset({"keys", EVERYTHING})


class Following:
    """Follows changes of keys, gates, line states and deployed versions.

    A pulled cord never waits for a model to load.
    """

    def __init__(
        self, deployment: Deployment, refresh_keys: Callable[[], None], *, decides: Callable[[], bool]
    ) -> None:
        self._deployment = deployment
        self._refresh_keys = refresh_keys
        self._decides = decides
        self._deployed = asyncio.Event()

    async def take_all(self) -> None:
        """Apply every change; for the start of a process. Raises Unavailable."""
        await self._take_at_once(EVERYTHING)
        if self._decides():
            await asyncio.to_thread(self._deployment.refresh)

    async def heard(self, noun: str) -> None:
        """Apply changes of `noun`, or leave them to `run`. Raises Unavailable."""
        await self._take_at_once(noun)
        if noun in _DEPLOYED:
            self._deployed.set()

    async def run(self) -> None:
        """Build and swap in deployed versions, one change after the other. Runs until cancelled."""
        while True:
            await self._deployed.wait()
            self._deployed.clear()
            if not self._decides():
                continue
            try:
                await asyncio.to_thread(self._deployment.refresh)
            except (
                Unavailable
            ) as error:  # the listener loses its connection as well, and catches up on everything afterwards
                log.warning("following.interrupted", error=type(error).__name__)

    async def _take_at_once(self, noun: str) -> None:
        if noun in _KEYS:
            await asyncio.to_thread(self._refresh_keys)
        if noun in _CONTROLS:
            await asyncio.to_thread(self._deployment.refresh_controls)
