"""How much work comes in: batches a second times seconds a batch, by the last half second. Pure: the time is handed in."""

from collections import deque

_WINDOW_SECONDS = 0.5
_MEMORY = 0.98
"""How much of the mean so far each batch leaves in it."""


class Demand:
    """Told of every batch that comes, taken or refused, and of how long each took."""

    def __init__(self) -> None:
        self._came: deque[float] = deque(maxlen=4096)
        self._seconds_each = 0.0

    def came(self, now: float) -> None:
        """A batch came."""
        self._came.append(now)

    def took(self, seconds: float) -> None:
        """A batch was predicted in so many seconds."""
        self._seconds_each = _MEMORY * self._seconds_each + (1 - _MEMORY) * seconds if self._seconds_each else seconds

    def processes(self, now: float) -> float:
        """How many processes that would keep at work."""
        while self._came and self._came[0] < now - _WINDOW_SECONDS:
            self._came.popleft()
        return len(self._came) / _WINDOW_SECONDS * self._seconds_each
