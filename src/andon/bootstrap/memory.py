"""Memory management of a process after start-up, so that requests find it settled."""

import ctypes
import gc
import mmap
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

HUGE = 2 << 20
"""Bytes of a huge page of x86-64 and of ARM with pages of 4 KB."""

COLLAPSE = 25
"""MADV_COLLAPSE of Linux 6.1 and later (madvise(2)), which needs no setting of the system's."""

MOSTLY = 15 / 16
"""Of a stretch so much must be in memory already: a huge page holds all of it, and an idle process should not grow."""

_PRESENT = 1 << 63
"""The bit of an entry in /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst)."""


def settle_memory(*, young: int) -> None:
    """Prepare memory after start-up: exempt present objects from the collector, and move them into huge pages.

    The collector then runs after `young` more allocations than frees. Little garbage waits until then: a decision
    leaves no cycle, but a prediction of LightGBM's does (ctypes.cast), 600 bytes in four objects a batch.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # what start-up freed goes back to the system, where the C library is glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    gather_pages()
    gc.freeze()
    gc.set_threshold(young, 20, 20)


def gather_pages() -> int:
    """Put this process's own memory into huge pages where they would be mostly full, and return their number.

    A core caches the addresses of a few thousand pages and looks up the others, which is dearer in a virtual machine; a
    huge page replaces 512. A system without huge pages, or without access to a process's own memory (all but Linux 6.1
    and later), continues unchanged.
    """
    if mmap.PAGESIZE != 4096:  # then a huge page is larger
        return 0
    try:
        starts = list(_mostly_full())
    except OSError:
        return 0
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return sum(madvise(start, HUGE, COLLAPSE) == 0 for start in starts)


def _mostly_full() -> Iterator[int]:
    """Where each stretch begins that is of a huge page's size and mostly in memory."""
    entries = HUGE // mmap.PAGESIZE
    with Path("/proc/self/pagemap").open("rb") as pages:
        for begin, end in _own_memory():
            for start in range(-(-begin // HUGE) * HUGE, end - HUGE + 1, HUGE):
                pages.seek(start // mmap.PAGESIZE * 8)
                there = sum(entry & _PRESENT > 0 for entry in array("Q", pages.read(entries * 8)))
                if there >= MOSTLY * entries:
                    yield start


def _own_memory() -> Iterator[tuple[int, int]]:
    """Yield the ranges of writable memory without a file, by proc_pid_maps(5)."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, _, _, _, *path = line.split(maxsplit=5)
        if rights.startswith("rw-p") and (not path or path[0] == "[heap]"):
            begin, end = addresses.split("-")
            yield int(begin, 16), int(end, 16)
