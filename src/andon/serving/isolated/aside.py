"""Access to a pool from a blocking thread: a separate event loop on its own thread."""

import asyncio
from threading import Thread
from typing import Protocol

from andon.models import Matrix


class _Pool(Protocol):
    async def predict_soon(self, matrix: Matrix, *, within: float) -> Matrix: ...

    async def close(self) -> None: ...


class Aside:
    """A pool with its own loop. `close` ends both; a command that just ends takes them with it."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="isolated-aside", daemon=True)
        self._thread.start()

    def predict(self, matrix: Matrix, *, within: float) -> Matrix:
        """Block until the pool answers. Raises whatever it raises."""
        return asyncio.run_coroutine_threadsafe(self._pool.predict_soon(matrix, within=within), self._loop).result()

    def close(self) -> None:
        """End the pool and the loop."""
        asyncio.run_coroutine_threadsafe(self._pool.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
