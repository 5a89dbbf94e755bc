"""The calls and the report of a rehearsal, as values."""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class RecordedCall(NamedTuple):
    """A recorded decision as a call: its input as JSON, the moment of its request, and its outcome."""

    decision_id: UUID
    asked_at: datetime
    body: bytes
    outcome: str


@dataclass(slots=True)
class TrafficReport:
    """The result of sending recorded calls. `late_seconds` is the longest delay behind the schedule."""

    planned_seconds: float = 0.0
    seconds: float = 0.0
    sent: int = 0
    late_seconds: float = 0.0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    failures: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The answers by recorded outcome and outcome now."""

    @property
    def answered(self) -> int:
        """The number of calls that were decided."""
        return self.outcomes.total()

    @property
    def same(self) -> int:
        """The number of answers with the recorded outcome."""
        return sum(count for (recorded, now), count in self.outcomes.items() if recorded == now)

    @property
    def rate(self) -> float:
        """The calls sent per second."""
        return self.sent / self.seconds if self.seconds else 0.0

    @property
    def planned_rate(self) -> float:
        """The calls per second if every call had been sent in time."""
        return self.sent / self.planned_seconds if self.planned_seconds else self.rate

    def latency(self, share: float) -> float:
        """Return the quantile of the latency in seconds at this share (nearest rank); 0 without answers."""
        if not self.latencies:
            return 0.0
        ranked = sorted(self.latencies)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
