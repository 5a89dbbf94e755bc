"""Control of Python's garbage collector while a program is loaded."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting() -> Iterator[None]:
    """Load a program with the garbage collector paused, and exempt what it loaded from later collections.

    Nearly all loaded objects stay, and repeated collections take a seventh of the loading time. The exempt objects are
    never scanned, so loading a model's library next is not slowed by them. Use it only at the start of a program:
    elsewhere, garbage would be kept as well.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
