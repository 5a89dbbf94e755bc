"""The rate of events a second, over the last ten seconds or so. Pure: the time is a parameter, in seconds."""

from collections import deque

SPAN_SECONDS = 10.0


class Rate:
    """Counts events.

    `per_second` is called now and then, and averages since the latest call that is long enough ago.
    """

    def __init__(self, now: float) -> None:
        self._count = 0
        self._marks = deque([(now, 0)])

    def add(self, events: int) -> None:
        """Count these events."""
        self._count += events

    def per_second(self, now: float) -> float:
        """Return the recent rate of events a second."""
        marks = self._marks
        marks.append((now, self._count))
        while len(marks) > 2 and now - marks[1][0] >= SPAN_SECONDS:
            marks.popleft()
        since, before = marks[0]
        return (self._count - before) / (now - since) if now > since else 0.0
