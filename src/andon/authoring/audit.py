"""Blind audits: the share of automatic decisions that a person checks without seeing what the line decided."""

from dataclasses import dataclass
from datetime import timedelta

from andon.authoring.errors import DeclarationInvalid


@dataclass(frozen=True, slots=True)
class BlindAudit:
    """The share of automatic decisions to audit: `BlindAudit(0.02, least=0.005, most=0.2, queue="audits")`.

    `least` and `most` bound later changes of the share; without them it stays as declared. Audits wait in `queue`
    (default: the queue of the automation's reviews) and are due `due` after the decision.
    """

    share: float
    least: float | None = None
    most: float | None = None
    queue: str | None = None
    due: timedelta = timedelta(days=2)

    def __post_init__(self) -> None:
        for name, value in (("share", self.share), ("least", self.lowest), ("most", self.highest)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
                raise DeclarationInvalid(f"BlindAudit: {name} must be more than 0 and at most 1, got {value!r}")
        if not self.lowest <= self.share <= self.highest:
            bounds = f"least={self.lowest:g}, most={self.highest:g}"
            raise DeclarationInvalid(f"BlindAudit: share {self.share:g} must be between its bounds ({bounds})")
        if self.queue is not None and (not isinstance(self.queue, str) or not self.queue):
            raise DeclarationInvalid(f"BlindAudit: queue must be the name of a queue or None, got {self.queue!r}")
        if not isinstance(self.due, timedelta) or self.due <= timedelta(0):
            raise DeclarationInvalid(f"BlindAudit: due must be a timedelta above zero, got {self.due!r}")

    @property
    def lowest(self) -> float:
        """The lower bound of the share; the share itself if none is declared."""
        return self.share if self.least is None else self.least

    @property
    def highest(self) -> float:
        """The upper bound of the share; the share itself if none is declared."""
        return self.share if self.most is None else self.most

    def in_force(self, changed: float | None) -> float:
        """Return the share in force after a change to `changed`, within the declared bounds."""
        return self.share if changed is None else min(max(changed, self.lowest), self.highest)
