"""Reviews: where decisions that are not automatic wait for a person."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Review:
    """The queue a decision goes to, and how soon a person should have looked at it."""

    queue: str
    due: timedelta = timedelta(hours=24)
