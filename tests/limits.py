"""Limits of the kernel for this process, for tests of the report when one is reached."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Limit files to so many bytes, as on a disk that becomes full."""
    with _limited(resource.RLIMIT_FSIZE, size):
        yield


@contextmanager
def open_files(count: int) -> Iterator[None]:
    """As a shell gives: so many files and connections at once, until a process asks for more. Processes inherit it."""
    with _limited(resource.RLIMIT_NOFILE, count):
        yield


@contextmanager
def _limited(what: int, most: int) -> Iterator[None]:
    before = resource.getrlimit(what)
    resource.setrlimit(what, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)
