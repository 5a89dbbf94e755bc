"""Which label of a decision counts at a moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon import Truth
from andon.labels import PRECEDENCE, Label, LabelSource, ValidLabel, valid_label

DECIDED = datetime(2026, 11, 1, tzinfo=UTC)
MATURES = timedelta(days=30)
TRUTH = Truth({"pause": "fraud", "release": "honest", "hold": None}, matures=MATURES, unreported="honest")
EVENT, REVIEW, AUDIT, IMPORT = (LabelSource(name) for name in ("event", "review", "blind_audit", "import"))
LATE = DECIDED + timedelta(days=60)


def a_label(
    value: str | None,
    source: LabelSource = EVENT,
    *,
    day: float = 1,
    number: int = 0,
    said: str | None = None,
    corrects: Label | None = None,
) -> Label:
    """Return a label that became known on a day after the decision; `number` is the order of recording."""
    known = DECIDED + timedelta(days=day)
    return Label(
        id=UUID(int=number),
        decision_id=UUID(int=99),
        automation="payments",
        said=said or value or "?",
        value=value,
        source=source,
        probability=1.0,
        by="olga",
        known_at=known,
        recorded_at=known,
        corrects=None if corrects is None else corrects.id,
        reason=None if corrects is None else "mistyped",
    )


def valid(
    labels: Sequence[Label], truth: Truth | None = TRUTH, *, outcome: str = "release", moment: datetime = LATE
) -> ValidLabel | None:
    return valid_label(labels, truth, outcome=outcome, decided_at=DECIDED, moment=moment)


def value(labels: Sequence[Label], truth: Truth | None = TRUTH, **at: datetime) -> str | None:
    found = valid(labels, truth, outcome="pause", **at)
    return found and found.value


def test_the_label_of_a_source_that_became_known_last_counts_whenever_it_was_recorded() -> None:
    late_but_older = replace(a_label("fraud", day=1, number=2), recorded_at=LATE)
    assert value([a_label("honest", day=5, number=1), late_but_older]) == "honest"
    assert value([a_label("honest", day=5, number=1), a_label("fraud", day=5, number=2)]) == "fraud"


def test_what_was_not_known_yet_does_not_count() -> None:
    labels = [a_label("honest", day=2, number=1), a_label("fraud", day=9, number=2)]
    known = [value(labels, moment=DECIDED + timedelta(days=day)) for day in (1, 2, 8, 9)]
    assert known == [None, "honest", "honest", "fraud"]


def test_an_event_comes_before_an_audit_an_import_and_a_review_and_a_contradiction_shows() -> None:
    labels = [
        a_label("fraud", source, number=number, day=10 - number)
        for number, source in enumerate((EVENT, AUDIT, LabelSource.FOLDER_MOVE, IMPORT, REVIEW))
    ]
    labels[3] = replace(labels[3], value="honest")
    assert [labels[n].source for n in range(5)] == list(PRECEDENCE)
    for first in range(5):
        found = valid(labels[first:])
        assert found is not None
        assert (found.source, found.label_id) == (PRECEDENCE[first], UUID(int=first))
        against = [one.id for one in labels[first:] if one.value != found.value]
        assert list(found.contradicted_by) == against


def test_a_correction_takes_the_place_of_what_it_corrects_once_it_is_known() -> None:
    first = a_label("fraud", day=1, number=1)
    later = a_label("honest", day=3, number=2)
    correction = a_label("mule", day=5, number=3, corrects=first)
    again = a_label("fraud", day=6, number=4, corrects=correction)
    assert value([first, correction]) == "mule"
    assert value([first, correction], moment=DECIDED + timedelta(days=4)) == "fraud"
    assert value([first, later, correction]) == "honest"  # the later label stands where it stood
    assert value([first, correction, again]) == "fraud"


def test_a_label_is_mature_after_the_declared_time_and_at_once_where_none_is_declared() -> None:
    moments = (DECIDED + MATURES - timedelta(microseconds=1), DECIDED + MATURES)
    found = [valid([a_label("fraud")], moment=moment) for moment in moments]
    assert [one and one.mature for one in found] == [False, True]
    (undeclared,) = [valid([a_label("fraud")], None, moment=moments[0])]
    assert undeclared is not None
    assert undeclared.mature


def test_silence_until_maturity_means_the_unreported_class_where_the_outcome_lets_it_show() -> None:
    found = valid([], moment=DECIDED + MATURES)
    assert found == ValidLabel("honest", None, 1.0, True, None, complete=True)
    assert valid([], moment=DECIDED + MATURES - timedelta(seconds=1)) is None
    for outcome in ("pause", "hold", "review", "gone"):
        assert valid([], outcome=outcome) is None
    assert valid([], replace(TRUTH, unreported=None)) is None
    assert valid([], None) is None
    reported = valid([a_label("fraud", day=40)])
    assert reported is not None
    assert (reported.value, reported.source) == ("fraud", EVENT)


def test_a_blind_audit_counts_where_nothing_was_reported_and_speaks_for_others_only_until_silence_does() -> None:
    audit = replace(a_label("fraud", AUDIT, day=2), probability=0.02)
    young, mature = (valid([audit], moment=moment) for moment in (DECIDED + timedelta(days=3), DECIDED + MATURES))
    assert young is not None
    assert mature is not None
    assert [(one.value, one.source, one.probability) for one in (young, mature)] == [("fraud", AUDIT, 0.02)] * 2
    assert [(one.mature, one.weight) for one in (young, mature)] == [(False, 50.0), (True, 1.0)]
    paused = valid([audit], outcome="pause")
    assert paused is not None
    assert paused.weight == 50.0, "of what was paused silence says nothing"
    (withdrawn,) = [valid([audit, a_label("honest", EVENT, day=5, number=1)])]
    assert withdrawn is not None
    assert (withdrawn.value, withdrawn.contradicted_by) == ("honest", (audit.id,))


@given(st.integers(200, 2000), st.sampled_from([0.02, 0.1, 0.5]), st.integers(0, 2**32 - 1))
def test_the_weights_of_all_that_is_known_add_up_to_the_decisions_before_and_after_maturity(
    decisions: int, share: float, seed: int
) -> None:
    random = Random(seed)
    audit = replace(a_label("honest", AUDIT), probability=share)
    said = [[audit] if random.random() < share else [] for _ in range(decisions)]
    known = [found for labels in said if (found := valid(labels, moment=LATE)) is not None]
    assert sum(one.weight for one in known) == decisions
    young = [found for labels in said if (found := valid(labels, moment=DECIDED + timedelta(days=9))) is not None]
    spread = (decisions * (1 - share) / share) ** 0.5
    assert abs(sum(one.weight for one in young) - decisions) < 7 * spread


@pytest.mark.parametrize(
    ("said", "source", "meant"),
    [("pause", REVIEW, "fraud"), ("hold", REVIEW, None), ("gone", REVIEW, None), ("pause", EVENT, None)],
)
def test_a_verdict_kept_by_its_outcome_gets_its_class_from_the_declaration(
    said: str, source: LabelSource, meant: str | None
) -> None:
    label = a_label(None, source, said=said)
    assert value([label]) == meant
    assert value([label], None) is None


SAID = st.lists(
    st.tuples(st.sampled_from(["fraud", "honest", "mule"]), st.sampled_from(LabelSource), st.integers(0, 20)),
    max_size=8,
)


@given(SAID, st.integers(0, 25), st.randoms(use_true_random=False))
def test_the_order_in_which_labels_come_does_not_matter(
    said: list[tuple[str, LabelSource, int]], day: int, random: st.DataObject
) -> None:
    labels = [a_label(value, source, day=at, number=n) for n, (value, source, at) in enumerate(said)]
    moment = DECIDED + timedelta(days=day)
    found = valid(labels, moment=moment)
    random.shuffle(labels)  # type: ignore[attr-defined]
    assert valid(labels, moment=moment) == found
    known = [label for label in labels if label.known_at <= moment]
    assert (found is not None and found.source is not None) == bool(known)


@given(SAID, SAID)
def test_what_becomes_known_later_does_not_change_the_past(
    before: list[tuple[str, LabelSource, int]], after: list[tuple[str, LabelSource, int]]
) -> None:
    early = [a_label(value, source, day=at, number=n) for n, (value, source, at) in enumerate(before)]
    late = [a_label(value, source, day=at + 21, number=100 + n) for n, (value, source, at) in enumerate(after)]
    moment = DECIDED + timedelta(days=20)
    assert valid(early + late, moment=moment) == valid(early, moment=moment)
