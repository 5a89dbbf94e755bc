"""What another thread does meanwhile: changes what is read here, or works in a transaction of its own."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Thread
from typing import TypeVar

from sqlalchemy import text

from andon.kernel.db import Database, Tx

T = TypeVar("T")
Beside = Callable[[Callable[[Tx], T]], Future[T]]


@contextmanager
def meanwhile(change: Callable[[int], object]) -> Iterator[None]:
    """Run `change` with 0, 1, 2 and so on repeatedly on another thread until the block ends.

    The interpreter switches as often as possible.
    """
    ended, before = Event(), sys.getswitchinterval()

    def run() -> None:
        number = 0
        while not ended.is_set():
            change(number)
            number += 1

    thread = Thread(target=run)
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(before)


@contextmanager
def transactions_beside(database: Database) -> Iterator[Beside[object]]:
    """Begin work in a transaction of its own; go on once it has ended or waits for a lock."""
    with ThreadPoolExecutor(4) as threads:

        def begin(work: Callable[[Tx], object]) -> Future[object]:
            pids = SimpleQueue[int]()

            def run() -> object:
                with database.begin() as tx:
                    pids.put(tx.execute(text("SELECT pg_backend_pid()")).scalar_one())
                    return work(tx)

            doing, pid = threads.submit(run), pids.get(timeout=30)
            while not (doing.done() or _waits(database, pid)):
                pass
            return doing

        yield begin


def _waits(database: Database, pid: int) -> bool:
    query = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = :pid)")
    with database.begin() as tx:
        return bool(tx.execute(query, {"pid": pid}).scalar_one())
