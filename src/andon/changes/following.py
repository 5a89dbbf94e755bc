"""The state of a line during a walk through its history. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from andon.changes.history import LineHistory
from andon.decisions import Release
from andon.serving import Candidate, TrafficSplit


@dataclass(slots=True)
class LineNow:
    """The release, policy, champions and split in force."""

    history: LineHistory
    released: Release | None = None
    policy: str = ""
    split: TrafficSplit | None = None
    champions: dict[str, int] = field(default_factory=dict)

    @property
    def model(self) -> str | None:
        """The model of the released code; None before the first release."""
        return None if self.released is None else self.history.model_of(self.released.version)

    def answering(self) -> set[Candidate]:
        """Return the candidates that answer, each with its policy."""
        if self.model is None:
            return set()
        none = TrafficSplit(self.history.automation, self.model)
        split = none if self.split is None or self.split.model != self.model else self.split
        return {self.arm(one) for one in split.answering(self.champions.get(self.model))}

    def arm(self, candidate: Candidate) -> Candidate:
        """Return a candidate with its policy: its own, or the one in force."""
        return candidate._replace(policy=candidate.policy or self.policy)

    def ready_at(self, model: str, candidate: Candidate, at: datetime) -> datetime:
        """Return when the last part of a candidate was registered or published; `at` if unknown.

        A gate of its own is new as of the act that names it.
        """
        if candidate.gate is not None:
            return at
        registered_at = self.history.registered.get(model, {}).get(candidate.version, at)
        return max(registered_at, self.history.published.get(candidate.policy, registered_at))
