"""What a process tells of itself beside its work: now and then, and once more when it ends."""

import asyncio
from collections.abc import Awaitable, Callable


async def regularly(tell: Callable[[], Awaitable[None]], *, seconds: float) -> None:
    """Tell every so many seconds until cancelled, and then what is left."""
    try:
        while True:
            await asyncio.sleep(seconds)
            await tell()
    finally:
        await tell()
