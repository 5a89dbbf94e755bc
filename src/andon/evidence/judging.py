"""Judging of cases at their age: the class that is known by then, and which case stands for its subject. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from math import fsum, log
from uuid import UUID

from andon.authoring import Truth
from andon.evidence.domain import OpenCase
from andon.labels import Label, valid_label

UNUSUAL = 0.01
"""The share of cases in larger clusters than the largest usual one: those count for less than their number."""


@dataclass(frozen=True, slots=True)
class Floors:
    """The least probability of a look at a decision at that time: in the whole line, and in the decision's segment.

    0 where some decisions were never looked at.
    """

    whole: float
    part: float


@dataclass(frozen=True, slots=True)
class ClusterStanding:
    """What a case stands for among its subject's in an interval.

    `stands` is the number of cases, in units of the least likely one; `weight` is the factor of its floors. Both are 0
    if another one was chosen.
    """

    stands: float
    weight: float


def class_at_age(case: OpenCase, labels: Sequence[Label], truth: Truth | None) -> str | None:
    """Return the class of a decision as known at its age; None if it was open then.

    Only labels that were known by then count, whatever has been said since. A correction takes the place of the label
    it corrects at any time, because it says that this one was never right.
    """
    known = {label.id: label for label in labels}

    def first_of(label: Label) -> Label:
        while label.corrects is not None and label.corrects in known:
            label = known[label.corrects]
        return label

    in_time = [
        replace(label, known_at=min(label.known_at, case.due_at))
        for label in labels
        if first_of(label).known_at <= case.due_at
    ]
    valid = valid_label(in_time, truth, outcome=case.outcome, decided_at=case.decided_at, moment=case.due_at)
    return None if valid is None else valid.value


def class_now(case: OpenCase, labels: Sequence[Label], truth: Truth | None, now: datetime) -> str | None:
    """Return the class of a decision as it is known now."""
    valid = valid_label(labels, truth, outcome=case.outcome, decided_at=case.decided_at, moment=now)
    return None if valid is None else valid.value


def standings(cluster: Sequence[tuple[UUID, float]], usual: float) -> Mapping[UUID, ClusterStanding]:
    """Choose the case that stands for all of a subject in an interval, from the odds (floor / propensity) of each.

    The choice is by chance, in proportion to the odds and fixed by the ids, so it never depends on a verdict. The
    chosen one counts for the sum of the odds, in parts of the largest `usual` sum: so the weighted error stays that of
    decisions. With odds of 0 nothing counts.
    """
    chosen = max(((_key(identifier, odds), identifier) for identifier, odds in cluster if odds > 0), default=None)
    if chosen is None:
        return {identifier: ClusterStanding(0.0, 0.0) for identifier, _ in cluster}
    total = fsum(odds for _, odds in cluster)
    own = next(odds for identifier, odds in cluster if identifier == chosen[1])
    standing = ClusterStanding(total, min(1.0, total / usual) / own)
    return {identifier: standing if identifier == chosen[1] else ClusterStanding(0.0, 0.0) for identifier, _ in cluster}


def usual_sum(stood: Sequence[float]) -> float:
    """Return the largest usual sum of odds of a subject in an interval, at least 1.

    Those above it hold at most UNUSUAL of all cases.
    """
    allowed = UNUSUAL * sum(stood)
    largest = 1.0
    for one in sorted(stood, reverse=True):
        largest = one
        allowed -= one
        if allowed < 0:
            break
    return max(1.0, largest)


def chance_of(identifier: UUID) -> float:
    """Return a number between 0 and 1 that the id of a decision fixes."""
    drawn = int.from_bytes(blake2b(identifier.bytes, digest_size=8, person=b"andon evidence").digest())
    return (drawn + 1) / (2**64 + 2)


def _key(identifier: UUID, odds: float) -> float:
    """Return the key whose largest value in a cluster is chosen with a probability in proportion to the odds."""
    return log(chance_of(identifier)) / odds
