"""Labels only grow: the same class once, a correction beside what was said before; each is published."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy
from sqlalchemy import text
from tests.integration.labels.labelling import BANK, decided, say

from andon import audit, labels
from andon.decisions import DecisionNotFound
from andon.kernel.errors import AndonError
from andon.kernel.events import Events
from andon.labels import Label, LabelCorrected, LabelInvalid, LabelNotFound, LabelRecorded, LabelReplaced, LabelSource
from lines import Installation

DAY = timedelta(days=1)


def heard() -> tuple[Events, list[Any]]:
    """Return a bus, and the list of events published on it."""
    events, published = Events(), []  # type: ignore[var-annotated]
    for kind in (LabelRecorded, LabelCorrected):
        events.subscribe(kind, lambda _, event: published.append(event))
    return events, published


def recorded(one: Label) -> LabelRecorded:
    """Return the event of a label."""
    of = (one.id, one.decision_id, one.automation, one.value)
    return LabelRecorded(*of, one.source, one.probability, one.known_at, one.by, at=one.recorded_at)


def corrected(one: Label, before: Label) -> LabelCorrected:
    """Return the event of a label that replaces another."""
    of = (one.id, one.decision_id, one.automation, one.value, before.value, before.id)
    return LabelCorrected(*of, one.source, one.known_at, one.by, one.reason, at=one.recorded_at)


def test_the_same_class_is_kept_once_and_another_one_is_kept_beside_it(installation: Installation) -> None:
    row, (events, published) = decided(installation), heard()
    at = row.decided_at
    with installation.database.begin() as tx:
        first = say(tx, row, "fraud", now=at + DAY, events=events)
        assert say(tx, row, " fraud ", now=at + 2 * DAY, events=events) == first
        audited = say(tx, row, "fraud", LabelSource.BLIND_AUDIT, probability=0.02, now=at + 2 * DAY, events=events)
        second = say(tx, row, "ok", now=at + 3 * DAY, events=events)
        third = say(tx, row, "fraud", now=at + 4 * DAY, events=events)
        entries = audit.page(tx, limit=10, action="label.record")
    with installation.database.begin() as tx:
        known = labels.known_of(tx, row, at + 5 * DAY)
    assert list(known.labels) == [first, audited, second, third]
    assert (audited.weight, len(entries)) == (50.0, 4)
    assert published == [
        recorded(first),
        recorded(audited),
        corrected(second, first),
        corrected(third, second),
    ]
    assert known.valid is not None
    assert (known.valid.value, known.valid.label_id, known.valid.mature) == ("fraud", third.id, False)


def test_a_label_that_comes_late_stands_at_the_time_it_became_known(installation: Installation) -> None:
    row, (events, published) = decided(installation), heard()
    at = row.decided_at
    with installation.database.begin() as tx:
        newer = say(tx, row, "ok", now=at + 5 * DAY, known_at=at + 4 * DAY, events=events)
        older = say(tx, row, "fraud", now=at + 6 * DAY, known_at=at + 2 * DAY, events=events)
        assert say(tx, row, "fraud", now=at + 7 * DAY, known_at=at + 2 * DAY, events=events) == older
        then, now = (labels.valid_of(tx, [row], at + days * DAY)[row.id] for days in (3, 7))
    assert (then.value, now.value) == ("fraud", "ok")
    assert published == [recorded(newer), recorded(older)]


def test_a_correction_has_a_reason_and_leaves_the_label_in_the_history(installation: Installation) -> None:
    row, (events, published) = decided(installation), heard()
    at = row.decided_at
    about: dict[str, Any] = {"decision_id": row.id, "value": "ok", "actor": BANK, "events": events}
    with installation.database.begin() as tx:
        wrong = say(tx, row, "fraud", now=at + DAY, events=events)
        right = labels.correct(tx, wrong.id, reason="the wrong customer", now=at + 2 * DAY, **about)
        with pytest.raises(LabelReplaced):
            labels.correct(tx, wrong.id, reason="again", now=at + 2 * DAY, **about)
        (entry,) = audit.page(tx, limit=10, action="label.correct")
        known = labels.known_of(tx, row, at + 3 * DAY)
    assert known.labels == (wrong, right)
    assert (right.source, right.corrects, right.reason) == (LabelSource.EVENT, wrong.id, "the wrong customer")
    assert known.valid is not None
    assert (known.valid.value, known.valid.label_id) == ("ok", right.id)
    assert (entry.reason, published[1:]) == ("the wrong customer", [corrected(right, wrong)])
    refused: list[tuple[dict[str, Any], type[AndonError]]] = [
        ({"reason": "  "}, AndonError),
        ({"value": "frauds"}, LabelInvalid),
        ({"decision_id": uuid4()}, DecisionNotFound),
    ]
    for changed, error in refused:
        with pytest.raises(error), installation.database.begin() as tx:
            labels.correct(tx, right.id, **({"reason": "why", "now": at + 3 * DAY} | about | changed))
    with pytest.raises(LabelNotFound), installation.database.begin() as tx:
        labels.correct(tx, uuid4(), reason="why", now=at + 3 * DAY, **about)


def test_nothing_reported_until_maturity_means_the_declared_class(installation: Installation) -> None:
    released, paused = decided(installation), decided(installation, amount=900.0)
    assert (released.outcome, paused.outcome) == ("release", "pause")
    with installation.database.begin() as tx:
        early = labels.valid_of(tx, [released, paused], released.decided_at + 29 * DAY)
        late = labels.valid_of(tx, [released, paused], released.decided_at + 31 * DAY)
    assert (early, list(late)) == ({}, [released.id])
    assert (late[released.id].value, late[released.id].source) == ("ok", None)


def test_a_label_cannot_be_changed_or_removed(installation: Installation) -> None:
    row = decided(installation)
    with installation.database.begin() as tx:
        say(tx, row, "fraud", now=row.decided_at)
    for statement in ("UPDATE labels SET value = 'ok'", "DELETE FROM labels", "TRUNCATE labels"):
        refused = pytest.raises(sqlalchemy.exc.IntegrityError, match="what corrects a label is a new one")
        with refused, installation.database.begin() as tx:
            tx.execute(text(statement))
