"""What is sent in a rehearsal, and what came of it."""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class RecordedCall(NamedTuple):
    """A recorded decision as a call: its input as JSON, when it was asked for, and what was decided."""

    decision_id: UUID
    asked_at: datetime
    body: bytes
    outcome: str


@dataclass(slots=True)
class TrafficReport:
    """The result of sending recorded calls. `late_seconds` is how far the sender fell behind its schedule at worst."""

    planned_seconds: float = 0.0
    seconds: float = 0.0
    sent: int = 0
    late_seconds: float = 0.0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    failures: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Answers by the outcome that was recorded and the one that came now."""

    @property
    def answered(self) -> int:
        """Calls that were decided."""
        return self.outcomes.total()

    @property
    def same(self) -> int:
        """Answers with the recorded outcome."""
        return sum(count for (recorded, now), count in self.outcomes.items() if recorded == now)

    @property
    def rate(self) -> float:
        """Calls sent in a second."""
        return self.sent / self.seconds if self.seconds else 0.0

    @property
    def planned_rate(self) -> float:
        """Calls a second if every one had been sent in time."""
        return self.sent / self.planned_seconds if self.planned_seconds else self.rate

    def latency(self, share: float) -> float:
        """The latency in seconds below which this share of the answers came (nearest rank); 0 without answers."""
        if not self.latencies:
            return 0.0
        ranked = sorted(self.latencies)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
