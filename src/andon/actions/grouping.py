"""Many small writes as few transactions: while writes are under way the next collect, and then go together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Grouped(Generic[T]):
    """Hands items in groups to `write`, at most `flights` groups at a time. There is no timer: a lone item goes at once."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], *, flights: int = 1) -> None:
        self._write = write
        self._flights = flights
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._writing: set[asyncio.Task[None]] = set()
        self._flying = 0

    async def add(self, item: T) -> None:
        """Return once the item is written. Raises what its group's write raised."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((item, written))
        if self._flying < self._flights and len(self._waiting) == 1:
            self._flying += 1
            writing = asyncio.create_task(self._write_all())
            self._writing.add(writing)
            writing.add_done_callback(self._writing.discard)
        await written

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._write_group(group)
        finally:
            self._flying -= 1

    async def _write_group(self, group: list[tuple[T, asyncio.Future[None]]]) -> None:
        error: Exception | None = None
        try:
            await self._write([item for item, _ in group])
        except Exception as raised:  # noqa: BLE001 - handed on to everybody who waits for this group
            error = raised
        for _, written in group:
            if written.done():
                continue
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)
