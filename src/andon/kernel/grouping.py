"""Many small pieces of work in few transactions: items that arrive while a group is under way form the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Grouped(Generic[T, R]):
    """Hands items in groups to `work`, at most `flights` groups at a time. No timer: items wait only for a free flight.

    `work` returns the result of each item, in their order.
    """

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[Sequence[R]]], *, flights: int = 1) -> None:
        self._work = work
        self._flights = flights
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._working: set[asyncio.Task[None]] = set()
        self._flying = 0

    async def add(self, item: T) -> R:
        """Return the result of an item once it is done. Raises whatever the work on its group raised."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._flying < self._flights and len(self._waiting) == 1:
            self._flying += 1
            working = asyncio.create_task(self._do_all())
            self._working.add(working)
            working.add_done_callback(self._working.discard)
        return await done

    async def _do_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._do(group)
        finally:
            self._flying -= 1

    async def _do(self, group: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._work([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - handed on to everybody who waits for this group
            for _, done in group:
                if not done.done():
                    done.set_exception(error)
        else:
            for (_, done), result in zip(group, results, strict=True):
                if not done.done():  # or nobody is waiting for it now
                    done.set_result(result)
