"""Reads of the values of decisions."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from andon.kernel.db import Tx
from andon.kernel.ids import floor_of
from andon.measures import store
from andon.measures.domain import Grouping, MeasureSum


def sums(tx: Tx, automation: str, since: date, until: date, by: Grouping | None = None) -> list[MeasureSum]:
    """Return the sums of an automation's measures over UTC days, both included; without `by`, one per measure."""
    return store.sums(tx, automation, since, until, by)


def reported_of(tx: Tx, ids: Sequence[UUID]) -> Mapping[tuple[UUID, str], float]:
    """Return the standing values that other systems report of these decisions, by decision and measure."""
    return {key: float(value) for key, (value, _) in store.standing_reports(tx, ids).items()} if ids else {}


def decisions_between(tx: Tx, automation: str, first: UUID, last: UUID) -> Sequence[UUID]:
    """Return the decisions that reports with ids from `first` to `last` are about, each once."""
    return store.decisions_between(tx, automation, first, last)


def reported_in(
    tx: Tx, automation: str, measure: str, since: datetime, until: datetime, *, limit: int
) -> tuple[Mapping[UUID, float], int]:
    """Return reported values of decisions between two moments, at most `limit`, and the number of all."""
    found, number = store.reported_in(tx, automation, measure, floor_of(since), floor_of(until), limit)
    return {key: float(value) for key, value in found}, number


def totals(tx: Tx) -> list[tuple[str, str, MeasureSum]]:
    """Return the sums of all time with their automation and model version."""
    return store.totals(tx)
