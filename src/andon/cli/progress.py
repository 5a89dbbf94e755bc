"""Progress of long work: a bar with rate and time left at a terminal, an occasional line elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

SECONDS = 10.0
"""The seconds between two lines where there is no terminal."""


@contextmanager
def progress(what: str, total: int, noun: str) -> Iterator[Callable[[int], None]]:
    """Show how much of `total` is done, on standard error; the block reports the size of each step."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console, what, total, noun).advance
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        _Rate(noun),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda step: bar.advance(task, step)


class _Rate(ProgressColumn):
    """The recent rate per second."""

    def __init__(self, noun: str) -> None:
        super().__init__()
        self._noun = noun

    def render(self, task: Task) -> Text:
        """Return the rate as text, once there is one."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self._noun}/s")


class _Lines:
    """A line every ten seconds; shorter work prints nothing."""

    def __init__(self, console: Console, what: str, total: int, noun: str) -> None:
        self._console, self._what, self._total, self._noun = console, what, total, noun
        self._done = self._told_done = 0
        self._told_at = time.monotonic()

    def advance(self, step: int) -> None:
        """Add to the amount done."""
        self._done += step
        now = time.monotonic()
        if now - self._told_at < SECONDS:
            return
        rate = (self._done - self._told_done) / (now - self._told_at)
        left = "" if rate <= 0 else f", {_span(max(0, self._total - self._done) / rate)} left"
        share = 100 * self._done / self._total if self._total else 100
        self._console.print(
            f"{self._what}: {self._done:,} of {self._total:,} {self._noun} ({share:.0f}%), {rate:,.0f} "
            f"{self._noun}/s{left}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        self._told_at, self._told_done = now, self._done


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
