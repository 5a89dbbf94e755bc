"""Periodic reports during a process's work, and one more when it ends."""

import asyncio
from collections.abc import Awaitable, Callable


async def regularly(tell: Callable[[], Awaitable[None]], *, seconds: float) -> None:
    """Report at this interval, in seconds, until cancelled, and then once more."""
    try:
        while True:
            await asyncio.sleep(seconds)
            await tell()
    finally:
        await tell()
