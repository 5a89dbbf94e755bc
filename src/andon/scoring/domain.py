"""A run over the rows of one source, and the result of each row. Pure.

Row n of a run always has the same decision id: it is made of the run, the moment when n's part was first asked for, and
n. The ledger's primary key therefore prevents a second decision on the row, whoever tries and however late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from andon.decisions import Decision, DecisionRecord
from andon.kernel.ids import uuid7_in

PART_ROWS = 2_000
"""Rows that share one moment of asking: few, so that a decision's id still shows about when it was made."""


@dataclass(frozen=True, slots=True)
class Run:
    """The rows of one source through one automation. `digest` says what the rows are; `caller` began it."""

    id: UUID
    automation: str
    source: str
    digest: str
    rows: int
    part_rows: int
    caller: str
    begun_at: datetime

    def decision_id(self, asked_at: datetime, row: int) -> UUID:
        """Return the id of the decision on a row (counted from 1) whose part was asked for at `asked_at`."""
        return uuid7_in(self.id, asked_at, row)


class Interval(NamedTuple):
    """The bounds between which the true probability lies."""

    low: float
    high: float


class Scored(NamedTuple):
    """The result of one row: its decision, or an `error` that says why there is none or why a person was asked."""

    row: int
    decision_id: str | None = None
    outcome: str | None = None
    score: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None
    label: str | None = None
    confidence: float | None = None
    rule: str | None = None
    reasons: tuple[str, ...] = ()
    automation_version: int | None = None
    model: str | None = None
    model_version: int | None = None
    policy_version: str | None = None
    error: str | None = None

    def within(self, interval: Interval | None) -> "Scored":
        """Return this result with the interval of its score; unchanged if there is none."""
        return self if interval is None else self._replace(interval_low=interval.low, interval_high=interval.high)


COLUMNS = Scored._fields


def scored(row: int, decision: Decision) -> Scored:
    """Return the result of a row that was decided just now."""
    prediction, line = decision.prediction, decision.line
    return Scored(
        row=row,
        decision_id=str(decision.request.id),
        outcome=decision.outcome,
        score=None if prediction is None else prediction.score,
        label=None if prediction is None else prediction.label,
        confidence=None if prediction is None else prediction.confidence,
        rule=decision.rule,
        reasons=tuple(decision.reasons),
        automation_version=line.automation_version,
        model=line.model.name,
        model_version=line.model.version,
        policy_version=line.policy_version,
        error=decision.judgement.ruling.error,
    )


def read_back(row: int, recorded: DecisionRecord) -> Scored:
    """Return the result of a row whose decision is in the ledger already."""
    known = recorded.row
    prediction: Mapping[str, Any] = recorded.record["prediction"] or {}
    ruling: Mapping[str, Any] = recorded.record["policy"]
    return Scored(
        row=row,
        decision_id=str(known.id),
        outcome=known.outcome,
        score=known.score,
        label=prediction.get("label"),
        confidence=known.confidence,
        rule=known.rule,
        reasons=tuple(ruling["reasons"]),
        automation_version=known.automation_version,
        model=known.model,
        model_version=known.model_version,
        policy_version=known.policy_version,
        error=ruling["error"],
    )
