"""Reading on one thread what another changes concurrently, with the interpreter switching as often as possible."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def meanwhile(change: Callable[[int], object]) -> Iterator[None]:
    """Run `change` with 0, 1, 2 and so on repeatedly on another thread until the block ends."""
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
