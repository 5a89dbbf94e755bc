"""Python's garbage collector while a program is loaded."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting() -> Iterator[None]:
    """Load modules within this. Nearly all of it stays: to look for what is left of it, again and again, takes a seventh of the time.

    What is there afterwards is not looked at either, when a model's library is loaded next.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
