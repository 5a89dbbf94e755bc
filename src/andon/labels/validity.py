"""Validity: which label of a decision counts at a moment. Pure; docs/explain/labels.md states the rules for users."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from andon.authoring import Truth
from andon.labels.domain import Label, LabelSource

PRECEDENCE = (
    LabelSource.EVENT,
    LabelSource.BLIND_AUDIT,
    LabelSource.FOLDER_MOVE,
    LabelSource.IMPORT,
    LabelSource.REVIEW,
)
"""The precedence of sources. Events outside come first, then a person who did not see the line's decision, then whoever
moved a mail from where the decision had put it.

A review comes last: the reviewer saw it.
"""

_Place: TypeAlias = tuple[datetime, datetime, UUID]


@dataclass(frozen=True, slots=True)
class ValidLabel:
    """The valid label of a decision at a moment.

    `source` is None where the class was assumed, because nothing was reported until maturity. `contradicted_by` are the
    labels of other sources that stand and differ. `complete` says that every decision like this one has a label by now,
    because silence counts at maturity; then no label represents others, whatever its origin.
    """

    value: str
    source: LabelSource | None
    probability: float
    mature: bool
    label_id: UUID | None
    contradicted_by: tuple[UUID, ...] = ()
    complete: bool = False

    @property
    def weight(self) -> float:
        """How many decisions this label speaks for: one over the probability, and itself alone among complete ones."""
        return 1.0 if self.complete else 1 / self.probability


def valid_label(
    labels: Sequence[Label], truth: Truth | None, *, outcome: str, decided_at: datetime, moment: datetime
) -> ValidLabel | None:
    """Return the valid label at `moment` of a decision with these labels; None if nothing is known.

    Only labels known by then count. Within a source it is the label that became known last; between sources, PRECEDENCE
    decides.
    """
    mature = matures_at(truth, decided_at) <= moment
    silence = _silence(truth, outcome) if mature else None
    standing = standing_labels((label for label in labels if label.known_at <= moment), truth)
    for source in PRECEDENCE:
        if source in standing:
            label = standing[source]
            against = tuple(other.id for other in standing.values() if other.value != label.value)
            return ValidLabel(
                str(label.value), source, label.probability, mature, label.id, against, silence is not None
            )
    return None if silence is None else ValidLabel(silence, None, 1.0, mature, None, complete=True)


def _silence(truth: Truth | None, outcome: str) -> str | None:
    """Return the class that nothing reported until maturity stands for, with this outcome; None if it says nothing."""
    if truth is None or truth.unreported is None or truth.outcomes.get(outcome) != truth.unreported:
        return None
    return truth.unreported


def matures_at(truth: Truth | None, decided_at: datetime) -> datetime:
    """Return from when the label of a decision is mature."""
    return decided_at + (timedelta(0) if truth is None else truth.matures)


def standing_labels(labels: Iterable[Label], truth: Truth | None) -> dict[LabelSource, Label]:
    """Return the last label of each source that states a class.

    A correction takes the place of the label it corrects.
    """
    known = {label.id: label for label in labels}
    corrected = {label.corrects for label in known.values()}
    standing: dict[LabelSource, Label] = {}
    for label in sorted(known.values(), key=lambda label: _place(label, known)):
        meant = with_meaning(label, truth)
        if label.id not in corrected and meant.value is not None:
            standing[label.source] = meant
    return standing


def with_meaning(label: Label, truth: Truth | None) -> Label:
    """Return a label with its class; a verdict that was kept by its outcome alone gets it from the declaration."""
    if label.value is not None or label.source is not LabelSource.REVIEW or truth is None:
        return label
    return replace(label, value=truth.outcomes.get(label.said))


def _place(label: Label, known: Mapping[UUID, Label]) -> _Place:
    """Return where a label stands in the order of its source: at the event time of the first label it goes back to."""
    first = label
    while first.corrects is not None and first.corrects in known:
        first = known[first.corrects]
    return first.known_at, label.recorded_at, label.id
