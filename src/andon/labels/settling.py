"""Settling: the result of every report about one decision, independent of their order. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from andon.authoring import Truth
from andon.kernel.errors import AndonError
from andon.labels.domain import Label, LabelSource, invalid
from andon.labels.placing import Statement, place, statement_of


class Fate(StrEnum):
    """The results of one report."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of one report: its label, or why it was refused. `corrects` is the label that it replaces."""

    fate: Fate
    label: Label | None = None
    error: AndonError | None = None
    corrects: Label | None = None


@dataclass(frozen=True, slots=True)
class CandidateLabel:
    """A report as the label that it would be; `number` is its place among the reports."""

    number: int
    label: Label
    dated: bool


MOST_OF_ONE = 100
"""Different reports about one decision that are settled together; more of them are a mistake, and all refused."""


def settle(said: Sequence[Label], candidates: Sequence[CandidateLabel], truth: Truth | None) -> dict[int, Settled]:
    """Settle the reports about one decision, in the order of their times."""
    different = len({(statement_of(one.label), one.label.known_at) for one in candidates})
    if different > MOST_OF_ONE:
        message = f"{different} different rows are about this decision: expected at most {MOST_OF_ONE}"
        error = invalid("decision_id", message)
        return {one.number: Settled(Fate.REFUSED, error=error) for one in candidates}
    settled: dict[int, Settled] = {}
    there = list(said)
    kept = {(statement_of(one), one.known_at) for one in said}
    at_once: dict[tuple[LabelSource, datetime], set[Statement]] = defaultdict(set)
    for one in candidates:
        at_once[one.label.source, one.label.known_at].add(statement_of(one.label))
    for one in sorted(candidates, key=lambda one: (one.label.known_at, not one.dated, one.number)):
        label = one.label
        new = (statement_of(label), label.known_at) not in kept
        if new and len(at_once[label.source, label.known_at]) > 1:
            settled[one.number] = Settled(Fate.REFUSED, error=_contradicted(one.dated))
            continue
        placed = place(there, label, truth, dated=one.dated)
        if placed.repeats:
            settled[one.number] = Settled(Fate.REPEATED, placed.label)
        else:
            settled[one.number] = Settled(Fate.RECORDED, label, corrects=placed.before)
            there.append(label)
    return settled


def _contradicted(dated: bool) -> AndonError:
    moment = "this moment" if dated else "no moment, or this one"
    return invalid(
        "known_at", f"Another row of this decision and source contradicts it and has {moment}: expected a later one"
    )
