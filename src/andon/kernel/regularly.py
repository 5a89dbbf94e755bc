"""Periodic reports of a process beside its work, and one more when it ends."""

import asyncio
from collections.abc import Awaitable, Callable


async def regularly(tell: Callable[[], Awaitable[None]], *, seconds: float) -> None:
    """Report every so many seconds until cancelled, and then once more."""
    try:
        while True:
            await asyncio.sleep(seconds)
            await tell()
    finally:
        await tell()
