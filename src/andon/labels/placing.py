"""Placing: the effect of a new label given those that its decision already has. Pure."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from andon.authoring import Truth
from andon.labels.domain import CLOCKS_DIFFER, Label, LabelSource
from andon.labels.validity import standing_labels

Statement: TypeAlias = tuple[LabelSource, str | None, float]


class Placed(NamedTuple):
    """The label that stands for a statement: a new one, or with `repeats` the one that says so already.

    `before` is the label of the same source that a new one overtakes.
    """

    label: Label
    before: Label | None = None
    repeats: bool = False


def statement_of(label: Label) -> Statement:
    """Return the statement of a label, without its time."""
    return label.source, label.value, label.probability


def place(said: Sequence[Label], label: Label, truth: Truth | None, *, dated: bool) -> Placed:
    """Place a label beside those of its decision.

    With a time of its own (`dated`) it repeats only a label of that time: whether another lies between the two may
    become known later. Without one it repeats the standing label of its source with the same statement. A label whose
    time lay ahead of our clock was stored with our time, so a slightly later one repeats it.
    """
    for one in said:
        if statement_of(one) == statement_of(label) and one.known_at == label.known_at:
            return Placed(one, repeats=True)
    before = standing_labels(said, truth).get(label.source)
    if before is None:
        return Placed(label)
    same = statement_of(before) == statement_of(label)
    recorded_as_known = before.known_at == before.recorded_at and label.known_at <= before.recorded_at + CLOCKS_DIFFER
    if same and before.known_at <= label.known_at and (recorded_as_known or not dated):
        return Placed(before, repeats=True)
    overtakes = standing_labels([*said, label], truth)[label.source].id == label.id
    return Placed(label, before if overtakes and not same else None)
