"""One `andon up` per folder: a lock which the kernel frees when its holder dies, with a note of the holder."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from andon.kernel.files import is_held, open_lock, try_lock
from andon.supervisor.errors import AlreadyRunning

_NAME = "up.lock"
_NOTE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that runs `up`. `pid` is None if unknown (just starting, or in another container)."""

    pid: int | None
    addresses: Mapping[str, str]


@contextmanager
def hold(data: Path, addresses: Mapping[str, str]) -> Iterator[None]:
    """Be the only `up` of the folder `data` (`.andon`). Raises AlreadyRunning, which names the other."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = open_lock(data / _NAME)
    try:
        if not try_lock(lock):
            raise _already(data)
        note = {"pid": os.getpid(), "started": psutil.Process().create_time(), "addresses": dict(addresses)}
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps(note).encode(), 0)
        yield
    finally:
        os.close(lock)


def holder(data: Path) -> Holder | None:
    """Return the process that runs `up` in the folder `data`, or None."""
    if not is_held(data / _NAME):
        return None
    try:
        note = json.loads((data / _NAME).read_bytes()[:_NOTE_BYTES])
        same = psutil.Process(note["pid"]).create_time() == note["started"]
    except (ValueError, KeyError, psutil.Error):
        return Holder(None, {})
    return Holder(note["pid"] if same else None, note["addresses"])


def is_free(data: Path) -> bool:
    """Return whether no `up` runs in the folder `data`."""
    return not is_held(data / _NAME)


def _already(data: Path) -> AlreadyRunning:
    other = holder(data) or Holder(None, {})
    who = f"process {other.pid}" if other.pid else "a process that is not visible from here"
    where = "".join(f", {name} {address}" for name, address in other.addresses.items())
    return AlreadyRunning(f"`andon up` is already running in {data.parent} ({who}{where}); stop it with `andon stop`")
