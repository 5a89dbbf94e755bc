"""Pauses before restarting ended processes: none at first, then ever longer after ends without an answer. Pure."""

_FIRST_SECONDS, _LONGEST_SECONDS = 0.1, 10.0


class Pauses:
    """The pause, updated with every process that ended or could not start, and with every answer."""

    def __init__(self) -> None:
        self._ends = 0
        self._until = 0.0

    def ended(self, now: float) -> None:
        """Record one more process to replace."""
        wait = 0.0 if self._ends == 0 else _FIRST_SECONDS * 2.0 ** min(self._ends, 20)
        self._ends += 1
        self._until = now + min(wait, _LONGEST_SECONDS)

    def answered(self) -> None:
        """Record an answer: earlier ends no longer count."""
        self._ends = 0

    def are_over(self, now: float) -> bool:
        """Return whether another may be started."""
        return now >= self._until
