"""The judge of `onboarding`: did a data set work, did its line keep its target, and could it be automatic? Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from andon.statistics.binomial import upper_bound_holds
from andon.statistics.intervals import lower_bound
from benchmarks.goals import Goal, at_least, none_of

FEWEST_SETS = 40
WORKED = 0.95
BY_CHANCE = 0.01
"""The level of all data sets together, on both sides, at which an error above the target is not chance."""


@dataclass(frozen=True, slots=True)
class Onboarded:
    """The result for one data set. `problem` says why it did not work.

    Of `rows` that were held out `automatic` were decided without a person, `errors` of these wrongly. `evidence` has
    the rows and errors of the project's own evidence in regions that are fixed before it is seen.
    """

    name: str
    problem: str | None
    seconds: float
    peak_mb: float
    rows: int = 0
    automatic: int = 0
    errors: int = 0
    target: float = 1.0
    confidence: float = 0.95
    evidence: Sequence[Sequence[int]] = ()

    @property
    def share(self) -> float:
        """The automatic share."""
        return self.automatic / self.rows if self.rows else 0.0

    @property
    def could(self) -> bool:
        """Whether an exact binomial bound proves the target in one of the regions by itself, at its confidence."""
        level = 1 - self.confidence
        return any(upper_bound_holds(errors, rows, self.target, level) for rows, errors in self.evidence)

    @property
    def idle(self) -> bool:
        """Whether it works and could automate, but does not."""
        return self.problem is None and self.could and self.automatic == 0

    def breaks(self, sets: int) -> bool:
        """Whether more were wrong than the target allows, beyond chance among this many data sets.

        Clopper and Pearson's two-sided interval, corrected by Bonferroni, lies above the target.
        """
        if not self.automatic:
            return False
        return lower_bound(self.errors, self.automatic, 1 - BY_CHANCE / 2 / sets) > self.target


def problem_of(decided: Mapping[str, Any]) -> str | None:
    """Return why a data set does not work although its line decided; None if it works."""
    if decided["refused"]:
        return f"the contract refuses {decided['refused']:,} of {decided['rows']:,} rows: {decided['example']}"
    if decided["failed"]:
        return f"{decided['failed']:,} decisions failed"
    if decided["learnt"]:
        return f"learns from {', '.join(decided['learnt'])}"
    return None


def goals_of(found: Sequence[Onboarded]) -> list[Goal]:
    """Judge all data sets of one run."""
    worked = sum(one.problem is None for one in found)
    return [
        at_least("data sets", float(len(found)), float(FEWEST_SETS)),
        at_least("share of the data sets that work", worked / len(found), WORKED),
        none_of("lines that break their target beyond chance", sum(one.breaks(len(found)) for one in found)),
        none_of("lines that could automate and automate nothing", sum(one.idle for one in found)),
    ]
