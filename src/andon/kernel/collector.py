"""Python's garbage collector while a program is loaded."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting() -> Iterator[None]:
    """Load a program within this. Nearly all of it stays: to look for what is left of it, again and again, takes a seventh of the time.

    What is there afterwards is never looked at, so that loading a model's library next does not take longer for it. Only where a
    program begins: elsewhere, what is garbage by then or later would stay as well.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
