"""Trying again what could not be loaded because something was away: a remote model's server, a process that did not start."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from andon.kernel.errors import AndonError, Unavailable

_FIRST_SECONDS = 2.0
_LONGEST_SECONDS = 60.0


class Refreshes(Protocol):
    """What a deployment does."""

    @property
    def problems(self) -> Mapping[str, AndonError]:
        """Why automations could not be brought up to date."""
        ...

    def refresh(self) -> None:
        """Try all again."""
        ...


async def try_again(deployment: Refreshes, *, first_seconds: float = _FIRST_SECONDS) -> None:
    """Refresh while something is unavailable, sooner at first and later each minute. Runs until cancelled.

    What is wrong in itself is not tried again: mending it is announced.
    """
    pause = first_seconds
    while True:
        await asyncio.sleep(pause)
        if any(isinstance(problem, Unavailable) for problem in deployment.problems.values()):
            await asyncio.to_thread(deployment.refresh)
            pause = min(2 * pause, _LONGEST_SECONDS)
        else:
            pause = first_seconds
