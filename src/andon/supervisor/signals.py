"""Waiting for whatever comes first: a signal to stop, the end of a child, or some time."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Signals that arrived, read from the pipe into which Python writes their numbers. Handlers do nothing else."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def stop_within(self, seconds: float) -> bool:
        """Wait up to `seconds` for a signal to stop. Returns earlier, with False, when a child ends."""
        if not select.select([self._pipe], [], [], seconds)[0]:
            return False
        return not set(_STOP).isdisjoint(os.read(self._pipe, 1024))


@contextmanager
def caught() -> Iterator[Signals]:
    """Collect signals to stop, instead of being stopped, until the context ends. For the main thread."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = {number: signal.signal(number, _note) for number in (*_STOP, signal.SIGCHLD)}
    other = signal.set_wakeup_fd(writing)
    try:
        yield Signals(reading)
    finally:
        signal.set_wakeup_fd(other)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


def _note(number: int, frame: FrameType | None) -> None:
    """Having a handler is what makes Python write the number to the pipe."""
