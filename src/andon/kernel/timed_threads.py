"""Threads for blocking calls. The time limit of a call begins when a thread takes it, not while it waits for one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class TimedThreads:
    """A few threads. Use from one event loop at a time; `close` when done."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], T], *, seconds: float) -> T:
        """Wait for a free thread, however long, and run `work` in it. Raises TimeoutError after `seconds` of work.

        After a timeout the thread stays busy until `work` returns. Work that is cancelled before it begins never runs.
        """
        loop = asyncio.get_running_loop()
        waiting = True

        def begin() -> None:
            if waiting:
                limit.reschedule(loop.time() + seconds)

        def run() -> T:
            loop.call_soon_threadsafe(begin)
            return work()

        try:
            async with asyncio.timeout(None) as limit:
                return await loop.run_in_executor(self._threads, run)
        finally:
            waiting = False

    def close(self, *, wait: bool) -> None:
        """Start no more work; with `wait`, return only when all running work has returned."""
        self._threads.shutdown(wait=wait, cancel_futures=True)
