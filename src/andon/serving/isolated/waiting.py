"""Batches that wait for a process, oldest first, and their waits for the scaler. Pure: the time is a parameter."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from andon.models import Matrix


@dataclass(slots=True, eq=False)
class QueuedRows:
    """Rows to predict before `deadline` (`time.monotonic`), and the future of their answer."""

    matrix: Matrix
    deadline: float
    answer: "asyncio.Future[Matrix]"
    came_at: float

    def succeed(self, probabilities: Matrix) -> None:
        """Answer, if somebody still waits."""
        if not self.answer.done():
            self.answer.set_result(probabilities)

    def fail(self, error: Exception) -> None:
        """Report the error, if somebody still waits."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Waited(NamedTuple):
    """The scaler's input, in seconds."""

    waits: list[float]
    """The wait of each batch taken since the last look."""
    oldest: float
    """The wait of the oldest waiting batch."""
    backlog: float
    """The time for which the queue has not been empty."""


class BatchQueue:
    """First come, first served."""

    def __init__(self) -> None:
        self._batches: deque[QueuedRows] = deque()
        self._waits: list[float] = []
        self._since: float | None = None
        """The time since it has not been empty."""

    def __len__(self) -> int:
        return len(self._batches)

    def add(self, batch: QueuedRows) -> None:
        """Add a batch."""
        self._batches.append(batch)
        if self._since is None:
            self._since = batch.came_at

    def take(self, now: float) -> QueuedRows | None:
        """Return the next batch that somebody still waits for; drop abandoned ones."""
        while self._batches:
            batch = self._batches.popleft()
            self._waits.append(now - batch.came_at)
            if not self._batches:
                self._since = None
            if not batch.answer.done() and now < batch.deadline:
                return batch
        return None

    def refuse(self, error: Exception) -> None:
        """Refuse all waiting batches."""
        while self._batches:
            self._batches.popleft().fail(error)
        self._since = None

    def look(self, now: float) -> Waited:
        """Return all waits since the last look."""
        waits, self._waits = self._waits, []
        oldest = now - self._batches[0].came_at if self._batches else 0.0
        return Waited(waits, oldest, 0.0 if self._since is None else now - self._since)
