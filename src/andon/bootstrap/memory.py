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
"""MADV_COLLAPSE of Linux 6.1 and later (madvise(2)), which needs no system setting."""

MOSTLY = 15 / 16
"""The share of a stretch that must be in memory: a huge page holds all of it, and an idle process should not grow."""

_PRESENT = 1 << 63
"""The bit of an entry in /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst)."""


def settle_memory(*, young: int) -> None:
    """Settle memory after start-up: exempt existing objects from the collector, and move them into huge pages.

    The collector then runs after `young` more allocations than frees. Little garbage accumulates until then: a decision
    leaves no cycle, but a LightGBM prediction does (ctypes.cast), 600 bytes in four objects per batch.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # with glibc, memory freed during start-up is returned to the system
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    gather_pages()
    gc.freeze()
    gc.set_threshold(young, 20, 20)


def gather_pages() -> int:
    """Put this process's own memory into huge pages where they would be mostly full, and return their number.

    A core caches the addresses of a few thousand pages and looks up the others, which is slower in a virtual machine; a
    huge page replaces 512. Without huge pages, or without access to a process's own memory (all but Linux 6.1 and
    later), nothing changes.
    """
    if mmap.PAGESIZE != 4096:  # a huge page would be larger
        return 0
    try:
        starts = list(_mostly_full())
    except OSError:
        return 0
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return sum(madvise(start, HUGE, COLLAPSE) == 0 for start in starts)


def _mostly_full() -> Iterator[int]:
    """Yield the start of each stretch of a huge page's size that is mostly in memory."""
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
