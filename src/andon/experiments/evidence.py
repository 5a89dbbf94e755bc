"""Evidence: what one decision or label says about the arm that made it. Pure.

The probabilities of the arms are those of the split which the decision names, so no clock is compared and no lag of a
gateway matters. A unit (an account) counts once in each list, by its first decision: later ones depend on it.
"""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from andon.decisions import FeedRecord
from andon.evidence import AgedCase, is_automatic
from andon.experiments.domain import AUTOMATIC, Experiment
from andon.rollouts import failed
from andon.serving import TrafficSplit
from andon.trials import LateLabels, split_of, unit_of

FIRST = "first"
"""The list with the first decision of each unit."""


class AllocatedDecision(Struct, frozen=True, gc=False):
    """A decision drawn by an experiment's split: its unit, its arm's place, and the probability of each arm then."""

    id: UUID
    unit: bytes
    arm: int
    chances: tuple[float, ...]


class ArmValue(Struct, frozen=True, gc=False):
    """One value of the measure, or without one only the first decision of a unit.

    `once` names the list in which a unit stands once. A case whose verdict is `open` counts as an event, but never for
    another arm.
    """

    once: str
    of: AllocatedDecision
    value: float | None
    open: bool = False


def drawn_decision(
    experiment: Experiment, splits: Mapping[int, TrafficSplit], key: UUID, record: FeedRecord
) -> AllocatedDecision | None:
    """Return how the experiment's split has drawn a decision; None if it did not."""
    split, assignment = split_of(experiment, splits, record), record.assignment
    if split is None or assignment is None:
        return None
    shares = split.answering(experiment.champion)
    chances = tuple(shares.get(arm, 0.0) / 100 for arm in experiment.arms)
    if assignment.candidate not in experiment.arms or min(chances) <= 0.0:
        return None
    return AllocatedDecision(
        key, unit_of(experiment, key, record), experiment.arms.index(assignment.candidate), chances
    )


def value_at_once(measure: str, record: FeedRecord) -> float | None:
    """Return a built-in measure of a decision as far as it is known without a label; None of one that needs one."""
    if measure == "errors":
        return float(failed(record))
    if measure == AUTOMATIC:
        return float(is_automatic(record))
    return None


def value_of_label(measure: str, one: LateLabels) -> float | None:
    """Return what a class that is known says of a built-in measure; of overrides, only that one happened."""
    predicted, known = one.row.label, one.label or one.verdict
    if measure == "overrides" and one.verdict is not None and predicted is not None and one.verdict != predicted:
        return 1.0
    if measure == "wrong" and known is not None and predicted is not None:
        return float(known != predicted)
    return None


def value_of_case(case: AgedCase, of: AllocatedDecision) -> ArmValue:
    """Return what a case says of "wrong", once for its subject."""
    mine = replace(of, unit=case.subject or case.decision_id.bytes)
    return ArmValue(FIRST, mine, 1.0 if case.wrong else None, case.actual is None)
