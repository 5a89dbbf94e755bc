"""Refreshes of a deployment that nothing announces: a dependency may be back, or a hand-over may have ended."""

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
        """Return when the first line with superseded code ends."""
        ...

    @property
    def problems(self) -> Mapping[str, AndonError]:
        """Return why automations could not be brought up to date."""
        ...

    def refresh(self) -> None:
        """Try all of them again."""
        ...


async def try_again(deployment: Refreshes, *, first_seconds: float = _FIRST_SECONDS) -> None:
    """Refresh while something is unavailable, soon at first, later once a minute. Runs until cancelled.

    Other problems do not cause a refresh, because their repair is announced.
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
    """Refresh when the hand-over of superseded code ends. Runs until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        until = deployment.hands_over_until
        if until is not None and clock.now() >= until:
            await asyncio.to_thread(deployment.refresh)
