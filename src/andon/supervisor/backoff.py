"""The pause before a restart."""

from dataclasses import dataclass

_FIRST_SECONDS, _LONGEST_SECONDS = 0.2, 2.0
_HEALTHY_SECONDS = 10.0


@dataclass(slots=True)
class Backoff:
    """Doubles from 0.2 s to 2 s with each short life; a life of 10 s counts as healthy and starts the count anew."""

    short_lives: int = 0

    def after(self, lived_seconds: float) -> float:
        """Return the seconds to wait after a life of this length."""
        self.short_lives = 1 if lived_seconds >= _HEALTHY_SECONDS else self.short_lives + 1
        return min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(self.short_lives - 1, 10))
