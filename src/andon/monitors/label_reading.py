"""Reading labels: hours whose labels changed or became mature are computed again."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from andon import decisions, labels
from andon.authoring import Truth
from andon.decisions import DecisionRow
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.ids import time_of
from andon.labels import LabelCorrected, LabelRecorded, LabelsImported, ValidLabel
from andon.monitors.labelled import LabelledDecision, by_arm, sums_of
from andon.monitors.once import place_of
from andon.monitors.store import labels as store
from andon.monitors.store import states, windows
from andon.monitors.store.labels import LabelWindow
from andon.monitors.tallying import group_name, readable
from andon.monitors.watching import WatchedAutomation, Watching, apart, truth_of

HOUR = timedelta(hours=1)

MOST_LABELS = 5000
"""The most labelled decisions of an hour that are read; of more, these represent all."""

MOST_ASSUMED = 2000
"""The most decisions of an hour that are read with a class assumed because nothing was reported."""

HOURS_AT_ONCE = 20

_MATURED_AT_ONCE = 24


def subscribe(events: Events) -> None:
    """From now on, note which hours have new labels, in the transaction of each label."""
    events.subscribe(LabelRecorded, lambda tx, one: _note(tx, one.automation, one.decision_id))
    events.subscribe(LabelCorrected, lambda tx, one: _note(tx, one.automation, one.decision_id))
    events.subscribe(LabelsImported, _note_import)


def read_changes(tx: Tx, watching: Watching, now: datetime) -> int:
    """Compute hours again whose labels changed. Return how many."""
    changed = store.take_label_changes(tx, HOURS_AT_ONCE)
    for automation, hour in sorted(changed):
        with apart(tx, automation, "labels"):
            settle(tx, watching, watching.one(tx, automation), hour, now)
    return len(changed)


def mature(tx: Tx, watching: Watching, now: datetime) -> int:
    """Compute hours again whose labels became mature. Return how many."""
    count = 0
    for name, watched in sorted(watching.all(tx).items()):
        truth = truth_of(tx, name)
        if truth is None or (truth.unreported is None and not truth.matures):
            continue
        due = _floor(now - truth.matures)
        first = states.matured_until(tx, name) or windows.first_starts(tx, [name]).get(name)
        if first is None or first + HOUR > due:
            continue
        until = min(due, first + _MATURED_AT_ONCE * HOUR)
        for hour in _hours_of(tx, name, first, until):
            with apart(tx, name, "labels"):
                settle(tx, watching, watched, hour, now)
            count += 1
        states.set_matured(tx, name, until)
    return count


def _hours_of(tx: Tx, automation: str, first: datetime, until: datetime) -> list[datetime]:
    """Return the hours with decisions between two moments; of a day that was folded, all of them."""
    found = windows.windows(tx, automation, _day(first), until)
    hours = {_floor(one.starts_at) + number * HOUR for one in found for number in range(one.span_hours)}
    return sorted(hour for hour in hours if first <= hour < until)


def settle(tx: Tx, watching: Watching, watched: WatchedAutomation, hour: datetime, now: datetime) -> None:
    """Compute the label sums of one hour, from all labels of its decisions."""
    found = _labelled(tx, watched, hour, now)
    new = []
    for arm, some in sorted(by_arm(found).items()):
        reference = watching.references.of(tx, some[0].row.model, some[0].row.model_version)
        positive = None if reference is None else reference.manifest.signature.positive
        new.append(LabelWindow(arm, hour, len(some), sums_of(some, positive)))
    store.replace_labels(tx, watched.name, hour, new)


def _labelled(tx: Tx, watched: WatchedAutomation, hour: datetime, now: datetime) -> list[LabelledDecision]:
    ids, number = labels.labelled_in(tx, watched.name, hour, hour + HOUR, limit=MOST_LABELS)
    rows = decisions.rows_of(tx, ids)
    valid = {key: one for key, one in labels.valid_of(tx, list(rows.values()), now).items() if one.mature}
    factor = number / len(ids) if ids else 1.0
    weights = {key: one.weight * factor for key, one in valid.items()}
    truth = truth_of(tx, watched.name)
    if truth is not None and truth.unreported is not None and hour + HOUR + truth.matures <= now:
        _assume(tx, watched.name, truth, hour, now, dict(rows), factor, (valid, weights))
        rows = {**rows, **decisions.rows_of(tx, [key for key in valid if key not in rows])}
    said = labels.said_of(tx, list(valid))
    groups = _groups(tx, watched, [rows[key] for key in valid])
    return [
        LabelledDecision(rows[key], valid[key], weights[key], said.get(key, ()), *groups.get(key, ({}, None)))
        for key in valid
    ]


def _assume(
    tx: Tx,
    automation: str,
    truth: Truth,
    hour: datetime,
    now: datetime,
    rows: Mapping[UUID, DecisionRow],
    factor: float,
    into: tuple[dict[UUID, ValidLabel], dict[UUID, float]],
) -> None:
    """Add decisions about which nothing was reported until maturity: a sample represents all of them.

    Each of the `rows` with a label stands for `factor` of them.
    """
    valid, weights = into
    for outcome in [name for name, value in truth.outcomes.items() if value == truth.unreported]:
        drawn = decisions.sample(tx, automation, outcome, hour, hour + HOUR, limit=MOST_ASSUMED)
        silent = [row for row in drawn if row.id not in rows]
        assumed = labels.valid_of(tx, silent, now)
        assumed = {key: one for key, one in assumed.items() if one.source is None and key not in valid}
        number = float(len(assumed))
        if len(drawn) == MOST_ASSUMED:
            reported = factor * sum(row.outcome == outcome for row in rows.values())
            number = max(_counted(tx, automation, outcome, hour) - reported, number)
        valid.update(assumed)
        weights.update(dict.fromkeys(assumed, number / len(assumed) if assumed else 1.0))


def _counted(tx: Tx, automation: str, outcome: str, hour: datetime) -> float:
    """Return the number of decisions of an hour with an outcome; of a day that was folded, its part of the day."""
    found = windows.windows(tx, automation, _day(hour), hour + HOUR)
    return math.fsum(
        one.body["outcomes"].get(outcome, 0) / one.span_hours
        for one in found
        if one.starts_at <= hour < one.starts_at + one.span_hours * HOUR
    )


def _groups(
    tx: Tx, watched: WatchedAutomation, rows: Sequence[DecisionRow]
) -> dict[UUID, tuple[dict[str, str], str | None]]:
    """Return the groups of decisions by the fields that are compared for fairness, and the places of their subjects."""
    if not watched.fields or not rows:
        return {}
    found = {item.id: readable(item) for item in decisions.items_of(tx, [row.id for row in rows])}
    return {
        key: (
            {field: group_name(record.row().get(field)) for field in watched.fields},
            None if watched.subject is None else place_of(record.row().get(watched.subject), key.bytes),
        )
        for key, record in found.items()
        if record is not None
    }


def _note(tx: Tx, automation: str, decision_id: UUID) -> None:
    store.note_label_changes(tx, automation, [_floor(time_of(decision_id))])


def _note_import(tx: Tx, imported: LabelsImported) -> None:
    hours = labels.hours_of_import(tx, imported.first, imported.last)
    store.note_label_changes(tx, imported.automation, [hour for name, hour in hours if name == imported.automation])


def _day(at: datetime) -> datetime:
    return _floor(at).replace(hour=0)


def _floor(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
