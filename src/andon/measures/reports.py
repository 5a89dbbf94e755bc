"""Reports: the value of decisions as other systems report it.

The report that became known last counts, in whatever order reports arrive.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import TypeAlias
from uuid import UUID

from andon import audit, decisions
from andon.decisions import DecisionRow
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7, uuid7_in
from andon.measures import store
from andon.measures.domain import LARGEST, exact
from andon.measures.errors import MeasureReportInvalid
from andon.measures.published import MeasuresReported

CLOCKS_DIFFER = timedelta(minutes=5)
"""The allowed lead of a sender's clock; a report from within it counts as known now."""

Visible: TypeAlias = Callable[[str], bool]
"""Returns whether decisions of an automation exist for the caller. Raises Forbidden if it may not report about them."""


@dataclass(frozen=True, slots=True)
class MeasureReport:
    """The value of one measure for one decision, known now unless `known_at` is given."""

    decision_id: UUID
    measure: str
    value: float
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """The numbers of reports that were recorded, and of those that repeat a standing value."""

    recorded: int
    repeated: int


def report(
    tx: Tx,
    reports: Sequence[MeasureReport],
    *,
    actor: Actor,
    events: Events,
    now: datetime,
    visible: Visible = lambda _: True,
) -> Reported:
    """Record reports, all or none. Raises MeasureReportInvalid, which names each row and field, and Forbidden."""
    found = decisions.rows_of(tx, [one.decision_id for one in reports])
    seen = {name: visible(name) for name in sorted({row.automation for row in found.values()})}
    rows = {decision_id: row for decision_id, row in found.items() if seen[row.automation]}
    declared = _DeclaredNames(tx)
    faults = [fault for n, one in enumerate(reports) for fault in _faults(n, one, rows, declared, now)]
    if faults:
        raise MeasureReportInvalid("; ".join(f"{one.where}: {one.message}" for one in faults), faults=faults)
    standing = store.standing_reports(tx, list(rows))
    series = uuid7(now)
    new: list[Mapping[str, object]] = []
    made: list[UUID] = []
    recorded: Counter[str] = Counter()
    for number, one in enumerate(reports):
        value, automation = exact(one.value), rows[one.decision_id].automation
        before = standing.get((one.decision_id, one.measure))
        known_at = now if one.known_at is None else min(one.known_at, now)
        if value is None or (before is not None and before[0] == value and one.known_at in (None, before[1])):
            continue
        if before is None or known_at >= before[1]:
            standing[one.decision_id, one.measure] = value, known_at
        recorded[automation] += 1
        made.append(uuid7_in(series, now, number))
        new.append(
            {
                "id": made[-1],
                "decision_id": one.decision_id,
                "automation": automation,
                "measure": one.measure,
                "value": value,
                "reported_by": actor.name,
                "known_at": known_at,
                "recorded_at": now,
            }
        )
    if new:
        store.add_reports(tx, new)
        store.recount_at(tx, now, sorted({one.decision_id for one in reports}))
    for automation, count in sorted(recorded.items()):
        audit.record(
            tx,
            actor=actor,
            action="measure.report",
            subject=f"automation:{automation}",
            at=now,
            after={"reports": count, "first": str(made[0]), "last": str(made[-1])},
        )
        events.publish(tx, MeasuresReported(automation, count, made[0], made[-1], actor.name, at=now))
    return Reported(len(new), len(reports) - len(new))


class _DeclaredNames:
    """The measures of each version that other systems report, read once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._names: dict[tuple[str, int], list[str]] = {}

    def of(self, row: DecisionRow) -> list[str]:
        """Return the measures that may be reported of a decision."""
        key = row.automation, row.automation_version
        if key not in self._names:
            described = decisions.version(self._tx, *key).description.get("measures", ())
            self._names[key] = [one["name"] for one in described if one["value"] is None]
        return self._names[key]


def _faults(
    number: int,
    one: MeasureReport,
    rows: Mapping[UUID, DecisionRow],
    declared: _DeclaredNames,
    now: datetime,
) -> list[Fault]:
    row = rows.get(one.decision_id)
    if row is None:
        return [Fault(f"{number}.decision_id", f"No decision {one.decision_id}")]
    faults = []
    known = declared.of(row)
    if one.measure not in known:
        there = ", ".join(known) or "none"
        faults.append(
            Fault(
                f"{number}.measure",
                f"{row.automation} declares no reported measure {one.measure!r}; there are: {there}",
            )
        )
    if not isfinite(one.value) or abs(one.value) > LARGEST:
        faults.append(Fault(f"{number}.value", f"Expected a number up to {LARGEST:g}, got {one.value}"))
    if one.known_at is not None and one.known_at > now + CLOCKS_DIFFER:
        faults.append(
            Fault(
                f"{number}.known_at",
                f"Nothing can have become known at {one.known_at:%Y-%m-%d %H:%M:%S} UTC: that is in the future",
            )
        )
    return faults
