"""Searches of unbounded cost: a few at a time, on their own connections and threads, each for a few seconds at most.

No search takes connections or threads from the rest of a process.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from psycopg.errors import QueryCanceled
from sqlalchemy import text

from andon.kernel.db import Database, DatabaseUnavailable, Tx
from andon.kernel.errors import Invalid, Unavailable

T = TypeVar("T")

SEATS = 2
"""The most searches at a time."""

MOST_WAITING = 16
"""The most searches that are under way or wait for a seat; further ones are refused."""

SECONDS = 5.0
"""The longest time of one statement of a search."""


class SearchTooWide(Invalid):
    """The search takes too long: narrow it, for example to one automation or a shorter time."""


class SearchesBusy(Unavailable):
    """Too many searches are under way; try again in a moment."""


class Searches:
    """Runs searches for one process. Use from one event loop; `close` when done."""

    def __init__(self, database: Database) -> None:
        self._database = Database(database.url, pool_size=0)  # searches are rare enough to open a connection for each
        self._threads = ThreadPoolExecutor(SEATS, thread_name_prefix="search")
        self._waiting = 0

    async def run(self, work: Callable[[Tx], T]) -> T:
        """Run a search in one transaction. Raises SearchTooWide, SearchesBusy, DatabaseUnavailable."""
        if self._waiting >= MOST_WAITING:
            raise SearchesBusy(retry_after=1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Accept no more searches; one that is under way ends within SECONDS."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._database.close()

    def _run(self, work: Callable[[Tx], T]) -> T:
        limit = text(f"SET LOCAL statement_timeout = {int(SECONDS * 1000)}")
        try:
            with self._database.begin() as tx:
                tx.execute(limit)
                return work(tx)
        except DatabaseUnavailable as error:
            if isinstance(getattr(error.__cause__, "orig", None), QueryCanceled):
                raise SearchTooWide from error
            raise
