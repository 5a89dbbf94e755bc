"""Cases of a trial: decisions that somebody looked at, at the same age in every arm, thinned to one probability.

Everything that goes to a person is looked at, but only a part of what is automatic. So an arm that asks people more
often would show more of its errors. Each case is kept with the least probability of a look on its day, divided by its
own: reviewed ones are thinned to the share of blind audits of their own time, the same in all arms.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b

from msgspec import Struct, field

from andon import evidence
from andon.authoring import Truth
from andon.decisions import FeedRecord
from andon.evidence import AgedCase, is_automatic
from andon.kernel.db import Tx
from andon.trials import store
from andon.trials.domain import TrafficTrial

CASES = "cases"
"""The name under which a trial keeps how far it has read cases, and of the list with the first case of each subject."""

KEPT_DAYS = 100
"""The newest days whose least probability of a look is kept; a case reaches its age sooner."""

_PURPOSE = b"andon: cases of trials"


class CaseStanding(Struct):
    """How far a trial has read the cases, and the least probability of a look at a decision of each day, in any arm."""

    position: int
    since: datetime
    floors: dict[str, float] = field(default_factory=dict)
    silent: bool = False
    """Whether silence is a label, so that every automatic decision is looked at."""

    @classmethod
    def from_here(cls, tx: Tx, since: datetime) -> "CaseStanding":
        """Begin with decisions that are made from a moment on."""
        return cls(evidence.position_now(tx), since)

    def next_cases(self, tx: Tx, trial: TrafficTrial, limit: int) -> list[AgedCase]:
        """Read on, and return the cases that are kept, with all that are in question."""
        found = evidence.cases_after(tx, trial.automation, trial.arm_names, self.position, limit)
        self.position = found[-1][0] if found else self.position
        asked = store.looked_at(tx, trial.id, [one.decision_id for _, one in found]) if found else set()
        return [one for _, one in found if one.decision_id in asked or self.keeps(one)]

    def note_draws(self, records: Iterable[FeedRecord], truth: Truth | None) -> None:
        """Note the draws of automatic decisions for audits; where silence is a label, all are looked at anyway."""
        self.silent = truth is not None and truth.unreported is not None
        for record in records:
            if is_automatic(record) and not _is_heard(truth, record.policy.outcome):
                day = _day(record.decided_at)
                self.floors[day] = min(self.floors.get(day, 1.0), record.draw.probability)
        for day in sorted(self.floors)[:-KEPT_DAYS]:
            del self.floors[day]

    def floor_of(self, case: AgedCase) -> float:
        """Return the least probability of a look at any decision of a case's day; 0 if some were never looked at."""
        return min(self.floors.get(_day(case.decided_at), 1.0), case.propensity)

    def keeps(self, case: AgedCase) -> bool:
        """Draw whether a case is kept: by its decision, so the same whoever draws, and when."""
        if case.decided_at < self.since or (case.automatic and not case.audited and not self.silent):
            return False  # a label from outside says something of the decisions that somebody chose to report
        place = int.from_bytes(blake2b(_PURPOSE + case.decision_id.bytes, digest_size=8).digest()) / 2**64
        return place * case.propensity < self.floor_of(case)


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _is_heard(truth: Truth | None, outcome: str) -> bool:
    return truth is not None and truth.unreported is not None and truth.outcomes.get(outcome) == truth.unreported
