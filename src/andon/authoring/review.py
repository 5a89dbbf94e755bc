"""Reviews, in which decisions that are not automatic wait for a person."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Review:
    """The queue for a decision, and how soon a person should review it."""

    queue: str
    due: timedelta = timedelta(hours=24)
