"""Refreshes of a deployment that nothing announces: something that was away may be back, or a hand-over is over."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from andon.kernel.clock import Clock
from andon.kernel.errors import AndonError, Unavailable

_FIRST_SECONDS = 2.0
_LONGEST_SECONDS = 60.0
_LOOK_SECONDS = 1.0


class Refreshes(Protocol):
    """The deployment's interface."""

    @property
    def hands_over_until(self) -> datetime | None:
        """When the first line ends whose code another release superseded."""
        ...

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


async def end_hand_overs(deployment: Refreshes, clock: Clock) -> None:
    """Refresh when code that another release superseded has had its time. Runs until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        until = deployment.hands_over_until
        if until is not None and clock.now() >= until:
            await asyncio.to_thread(deployment.refresh)
