"""Evidence: what one decision or label says about the arm that made it. Pure.

The probabilities of the arms are those of the split which the decision names, so no clock is compared and no lag of a
gateway matters. A unit (an account) counts once in each list, by its first decision: later ones depend on it.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from msgspec import Struct

from andon.decisions import FeedRecord
from andon.evidence import is_automatic
from andon.experiments.domain import AUTOMATIC, Experiment
from andon.rollouts import failed
from andon.serving import Chosen, TrafficSplit
from andon.trials import LateLabels

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

    `once` names the list in which a unit stands once.
    """

    once: str
    of: AllocatedDecision
    value: float | None


def drawn_decision(
    experiment: Experiment, splits: Mapping[int, TrafficSplit], key: UUID, record: FeedRecord
) -> AllocatedDecision | None:
    """Return how the experiment's split has drawn a decision; None if it did not."""
    assignment = record.assignment
    if assignment is None or assignment.chosen is not Chosen.SPLIT or assignment.bucket is None:
        return None
    split = splits.get(assignment.split)
    if split is None or split.salt != experiment.salt:
        return None
    shares = split.answering(experiment.champion)
    chances = tuple(shares.get(arm, 0.0) / 100 for arm in experiment.arms)
    answered = assignment.candidate
    if answered not in experiment.arms or min(chances) <= 0.0:
        return None
    unit = key.bytes if experiment.unit == "decision" or record.subject is None else bytes.fromhex(record.subject)
    return AllocatedDecision(key, unit, experiment.arms.index(answered), chances)


def value_at_once(measure: str, record: FeedRecord) -> float | None:
    """Return a built-in measure of a decision as far as it is known without a label; None of one that needs one."""
    if measure == "errors":
        return float(failed(record))
    if measure == AUTOMATIC:
        return float(is_automatic(record))
    return None


def value_of_label(measure: str, one: LateLabels) -> float | None:
    """Return 1.0 if a reviewer's class or the valid class shows an event of a built-in measure, None otherwise."""
    row = one.row
    if measure == "overrides" and one.verdict is not None and row.label is not None and one.verdict != row.label:
        return 1.0
    if measure == "wrong" and one.label is not None and one.label != row.label and is_automatic(row):
        return 1.0
    return None


def first_of_each(values: Iterable[ArmValue]) -> list[ArmValue]:
    """Keep the first value of each unit in each list."""
    first: dict[tuple[str, bytes], ArmValue] = {}
    for one in values:
        first.setdefault((one.once, one.of.unit), one)
    return list(first.values())
