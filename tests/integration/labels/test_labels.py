"""Labels only grow: the same truth once, a correction beside what was said before."""

from datetime import UTC, datetime, timedelta

from andon import audit, labels
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.labels import LabelSource

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BANK = Actor("bank")


def test_the_same_truth_is_kept_once_and_a_correction_is_kept_beside_it(database: Database) -> None:
    decision_id = uuid7(NOW)
    with database.begin() as tx:

        def say(value: str | bool, source: LabelSource = LabelSource.EVENT, *, minutes: int = 0) -> labels.Label:
            now = NOW + timedelta(minutes=minutes)
            return labels.record(
                tx, decision_id=decision_id, automation="screening", value=value, source=source, actor=BANK, now=now
            )

        first = say(True)
        assert say("true", minutes=1) == first
        say(True, LabelSource.BLIND_AUDIT, minutes=2)
        say(False, minutes=3)
        say(True, minutes=4)
        said = [(label.value, label.source.value) for label in labels.of_decision(tx, decision_id)]
        assert labels.of_decision(tx, uuid7(NOW)) == []
        entries = audit.page(tx, limit=10, action="label.record")
    assert said == [("true", "event"), ("true", "blind_audit"), ("false", "event"), ("true", "event")]
    assert len(entries) == 4
