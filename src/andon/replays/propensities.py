"""Propensities of outcomes: the probability with which a split gave a decision an outcome.

It is the sum of the shares of the arms that choose this outcome. To ask an arm, its versions and its gate at that time
are needed; both are taken from a decision that the arm made close to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from andon.decisions import Gate, MadeAgain, RecordedDecision, ReplayBy
from andon.serving import Candidate, Chosen, TrafficSplit

ArmShares: TypeAlias = Sequence[tuple[RecordedDecision, float]]
"""The arms of a split: for each a decision that it made, and its share of the traffic."""


@dataclass(frozen=True, slots=True)
class SplitArms:
    """The splits of an automation by number. `arm_of` gives the versions that made a decision, under a gate."""

    splits: Mapping[int, TrafficSplit]
    arm_of: Callable[[RecordedDecision, Gate], ReplayBy]
    _known: dict[tuple[int, Candidate], RecordedDecision] = field(default_factory=dict)

    def propensities(self, made: MadeAgain, now: datetime) -> dict[int, dict[str, float]]:
        """Return, by a decision's place, the probability with which its split gave it each outcome.

        Decisions that no split drew are omitted, as are those of a split with an unknown arm.
        """
        found: dict[int, dict[str, float]] = {}
        for split, places in self._drawn(made.records).items():
            arms = self._arms(split)
            if arms is not None:
                found.update(self._of_split(arms, made, places, now))
        return found

    def _drawn(self, records: Sequence[RecordedDecision]) -> dict[int, list[int]]:
        """Return the places of decisions by the split that drew them. Remember the newest decision of each arm."""
        drawn: dict[int, list[int]] = {}
        for place, record in enumerate(records):
            assignment = record.assignment
            if assignment is None or assignment.bucket is None or assignment.chosen is not Chosen.SPLIT:
                continue
            if assignment.split in self.splits and record.prediction is not None and record.fallback is None:
                drawn.setdefault(assignment.split, []).append(place)
                self._known[assignment.split, assignment.candidate] = record
        return drawn

    def _arms(self, number: int) -> ArmShares | None:
        """Return the arms of a split with their shares; None while one of them is unknown."""
        split = self.splits[number]
        known = {candidate: record for (of, candidate), record in self._known.items() if of == number}
        others = [candidate for candidate in known if candidate not in split.shares]
        rest = round(100 - sum(split.shares.values()), 2)
        if any(candidate not in known for candidate in split.shares) or len(others) > 1 or (rest and not others):
            return None
        arms = [(known[candidate], share / 100) for candidate, share in split.shares.items()]
        return [*arms, (known[others[0]], rest / 100)] if rest else arms

    def _of_split(
        self, arms: ArmShares, made: MadeAgain, places: Sequence[int], now: datetime
    ) -> dict[int, dict[str, float]]:
        columns = [made.records[p] for p in places], [made.inputs[p] for p in places], [made.seen[p] for p in places]
        found: dict[int, dict[str, float]] = {place: {} for place in places}
        for known, share in arms:
            risk = known.risk
            by = self.arm_of(known, Gate(risk.threshold, risk.target, risk.revision))
            for place, judgement in zip(places, by.judge_all(*columns, now), strict=True):
                record = made.records[place]
                chosen = record.policy.outcome if _same_arm(record, known) else judgement.ruling.outcome
                found[place][chosen] = found[place].get(chosen, 0.0) + share
        return found


def _same_arm(record: RecordedDecision, other: RecordedDecision) -> bool:
    own, its = record.assignment, other.assignment
    return own is not None and its is not None and own.candidate == its.candidate
