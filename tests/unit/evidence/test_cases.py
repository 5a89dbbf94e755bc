"""Cases: which decisions become one, what their class is at the age, and which one stands for its subject."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.authoring import Truth
from andon.decisions import FeedItem
from andon.evidence.domain import LONGEST_INTERVAL, GateRules, OpenCase, concerns_gate, interval_of, open_case
from andon.evidence.judging import ClusterStanding, class_at_age, standings, usual_sum
from andon.evidence.lines import segment_in
from andon.kernel.ids import uuid7
from andon.labels import Label, LabelSource
from andon.policies import Ruling

NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
AGE, MATURITY = timedelta(days=2), timedelta(days=30)
SAYS = Truth({"pause": "fraud", "release": "ok"})
SILENT = Truth({"pause": "fraud", "release": "ok"}, matures=MATURITY, unreported="ok")
REVIEW, AUDIT, EVENT = LabelSource.REVIEW, LabelSource.BLIND_AUDIT, LabelSource.EVENT


def a_record(**changes: Any) -> Any:
    """Return a record of a decision; `changes` are of its outcome, certainty, line state, draw and subject."""
    record = {
        "input": {},
        "asked_at": NOW.isoformat(),
        "decided_at": NOW.isoformat(),
        "caller": "bank",
        "correlation_id": "c",
        "features": {},
        "prediction": {"score": 0.1, "label": "ok", "confidence": 0.97, "probabilities": {}},
        "risk": {"certain": changes.get("certain", True), "threshold": 0.9, "target": 0.01, "revision": 3},
        "policy": {
            "outcome": changes.get("outcome", "release"),
            "rule": changes.get("rule", "safe"),
            "reasons": [],
            "error": None,
        },
        "line": {
            "automation": "gated",
            "version": 1,
            "model": {"name": "m", "version": 1, "digest": "d"},
            "policy_version": "p",
        },
        "line_state": changes.get("state", "automatic"),
        "draw": {"probability": changes.get("probability", 0.0), "drawn": changes.get("drawn", False)},
        "subject": changes.get("subject"),
    }
    if "prediction" in changes:
        record["prediction"] = changes["prediction"]
    return FeedItem(UUID(int=1).bytes, UUID(int=2), 1, 5, json.dumps(record).encode()).read()


def a_case(**changes: Any) -> OpenCase:
    more = {name: changes.pop(name) for name in ("complete", "outside") if name in changes}
    found = open_case(UUID(int=1), a_record(**changes), {}, AGE, MATURITY, **more)
    assert found is not None
    return found


def a_label(
    value: str | None,
    *,
    after: timedelta = timedelta(hours=1),
    source: LabelSource = REVIEW,
    corrects: Label | None = None,
) -> Label:
    at = NOW + after
    before = None if corrects is None else corrects.id
    return Label(uuid7(at), UUID(int=1), "gated", value or "", value, source, 1.0, "olga", at, at, corrects=before)


def test_reviewed_and_drawn_decisions_become_cases_with_their_probability_and_others_do_not() -> None:
    audited = a_case(drawn=True, probability=0.05)
    assert (audited.propensity, audited.audited, audited.automatic, audited.looked) == (0.05, True, True, True)
    reviewed = a_case(outcome="review", certain=False)
    assert (reviewed.propensity, reviewed.audited, reviewed.automatic, reviewed.looked) == (1.0, False, False, True)
    assert open_case(UUID(int=1), a_record(), {}, AGE, MATURITY) is None
    assert open_case(UUID(int=1), a_record(outcome="review", prediction=None), {}, AGE, MATURITY) is None
    assert open_case(UUID(int=1), a_record(outcome="review", state="stopped"), {}, AGE, MATURITY) is None


def test_a_label_from_outside_makes_a_case_of_what_nobody_here_looked_at() -> None:
    outside = a_case(outside=0.5)
    assert (outside.propensity, outside.looked, outside.due_at) == (0.5, False, NOW + MATURITY)


def test_what_silence_says_waits_until_all_of_its_interval_are_old_enough() -> None:
    case = a_case(complete=True)
    assert (case.propensity, case.due_at) == (1.0, case.since + LONGEST_INTERVAL + MATURITY)
    assert class_at_age(case, (), SILENT) == "ok"
    assert class_at_age(case, [a_label("fraud", source=EVENT)], SILENT) == "fraud"


@pytest.mark.parametrize(
    ("changes", "concerns"),
    [
        ({}, True),
        ({"certain": False, "outcome": "review"}, True),
        ({"outcome": "review"}, False),
        ({"outcome": "review", "state": "supervised"}, True),
    ],
    ids=["automatic", "uncertain", "asked by the policy", "supervised"],
)
def test_which_decisions_the_gate_decided(changes: dict[str, Any], concerns: bool) -> None:
    assert concerns_gate(a_record(**changes)) is concerns


RULES = GateRules(before=frozenset({"young"}), alone=frozenset({"young", "sanctioned"}))


@pytest.mark.parametrize(
    ("changes", "certain", "concerns"),
    [
        ({"certain": False, "outcome": "review", "rule": "young"}, None, False),
        ({"certain": False, "outcome": "review", "rule": "otherwise"}, Ruling("review", "dear", ()), False),
        ({"certain": False, "outcome": "review", "rule": "otherwise"}, Ruling("release", "safe", ()), True),
        ({"certain": False, "outcome": "review", "rule": "otherwise"}, Ruling("pause", "sanctioned", ()), False),
        ({"outcome": "review", "state": "supervised", "rule": "line-supervised"}, Ruling("review", "dear", ()), False),
        ({"outcome": "pause", "rule": "sanctioned"}, None, False),
    ],
    ids=[
        "by an early rule",
        "if certain, too",
        "if certain, not",
        "by no model",
        "supervised",
        "automatic by no model",
    ],
)
def test_what_the_policy_decides_at_any_certainty_says_nothing_about_the_gate(
    changes: dict[str, Any], certain: Ruling | None, concerns: bool
) -> None:
    assert concerns_gate(a_record(**changes), RULES, certain) is concerns


@pytest.mark.parametrize(
    ("changes", "certain", "acted_on"),
    [
        ({"outcome": "pause", "rule": "risky"}, None, "fraud"),
        ({"outcome": "pause", "rule": "sanctioned"}, None, "ok"),
        ({"outcome": "park", "rule": "risky"}, None, "ok"),
        ({"outcome": "review", "certain": False}, Ruling("pause", "risky", ()), "fraud"),
        ({"outcome": "review", "certain": False}, None, "ok"),
    ],
    ids=[
        "by its outcome",
        "a rule that asks no model",
        "an outcome without a class",
        "if it were certain",
        "not known",
    ],
)
def test_a_case_is_judged_by_the_class_on_which_the_line_acts(
    changes: dict[str, Any], certain: Ruling | None, acted_on: str
) -> None:
    drawn = {} if changes["outcome"] == "review" else {"drawn": True, "probability": 0.5}
    record = a_record(**changes, **drawn)
    case = open_case(UUID(int=1), record, {}, AGE, MATURITY, rules=RULES, certain=lambda: certain, truth=SAYS)
    assert case is not None
    assert case.predicted == acted_on


def test_a_verdict_counts_if_it_was_known_at_the_age_and_what_is_open_then_is_wrong() -> None:
    case = a_case(outcome="review", certain=False)
    assert class_at_age(case, (), SAYS) is None
    assert class_at_age(case, [a_label("ok")], SAYS) == "ok"
    assert class_at_age(case, [a_label("ok", after=AGE + timedelta(seconds=1))], SAYS) is None


def test_a_correction_counts_at_any_time_and_a_later_opinion_does_not() -> None:
    case = a_case(drawn=True, probability=0.05)
    said = a_label("ok", source=AUDIT)
    late = AGE + timedelta(days=9)
    assert class_at_age(case, [said, a_label("fraud", after=late, source=AUDIT, corrects=said)], SAYS) == "fraud"
    assert class_at_age(case, [said, a_label("fraud", after=late, source=AUDIT)], SAYS) == "ok"
    assert class_at_age(case, [said, a_label("fraud", after=late, source=EVENT)], SAYS) == "ok"
    assert class_at_age(case, [said, a_label("fraud", source=EVENT)], SAYS) == "fraud"


LABELS = st.lists(
    st.tuples(st.sampled_from(["ok", "fraud"]), st.integers(0, 96), st.sampled_from([REVIEW, AUDIT, EVENT])),
    max_size=6,
    unique_by=lambda one: one[1],
)


@given(LABELS, st.randoms(use_true_random=False))
def test_the_class_at_the_age_depends_neither_on_the_order_nor_on_what_came_later(
    given_labels: list[tuple[str, int, LabelSource]], random: Any
) -> None:
    case = a_case(outcome="review", certain=False)
    said = [a_label(value, after=timedelta(hours=hour), source=source) for value, hour, source in given_labels]
    mixed = random.sample(said, len(said))
    in_time = [one for one in said if one.known_at <= case.due_at]
    assert class_at_age(case, mixed, SAYS) == class_at_age(case, said, SAYS) == class_at_age(case, in_time, SAYS)


@given(st.integers(0, 10**6), st.sampled_from([timedelta(0), timedelta(minutes=7), timedelta(hours=9), AGE]))
def test_an_interval_is_over_before_its_first_decision_reaches_the_age(seconds: int, age: timedelta) -> None:
    at = NOW + timedelta(seconds=seconds)
    since = interval_of(at, age)
    assert since <= at
    assert at - since < min(age, LONGEST_INTERVAL) or since == at
    assert since + min(age, LONGEST_INTERVAL) <= at + age


def ids(count: int, of: int = 0) -> list[UUID]:
    return [uuid7(NOW + timedelta(seconds=of * 1000 + number)) for number in range(count)]


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_one_case_stands_for_its_subject_whatever_the_order(odds: list[float], random: Any) -> None:
    cluster = list(zip(ids(len(odds)), odds, strict=True))
    found = standings(cluster, 1.0)
    assert found == standings(random.sample(cluster, len(cluster)), 1.0)
    ((key, chosen),) = [(key, one) for key, one in found.items() if one.stands]
    assert chosen.stands == pytest.approx(sum(odds))
    assert chosen.weight * dict(cluster)[key] == pytest.approx(min(1.0, sum(odds)))


def test_the_choice_is_in_proportion_to_the_odds_so_that_the_estimate_is_that_of_decisions() -> None:
    odds, chosen, weighed = (0.05, 0.05, 0.4), Counter[int](), [0.0, 0.0, 0.0]
    for number in range(4000):
        cluster = list(zip(ids(3, number), odds, strict=True))
        found = standings(cluster, 1.0)
        at = next(index for index, (key, _) in enumerate(cluster) if found[key].stands)
        chosen[at] += 1
        weighed[at] += found[cluster[at][0]].weight * odds[at]
    assert [one / 4000 for one in weighed] == pytest.approx(odds, abs=0.02)


def test_without_a_chance_of_a_look_nothing_stands() -> None:
    (key,) = ids(1)
    assert standings([(key, 0.0)], 1.0) == {key: ClusterStanding(0.0, 0.0)}


def test_where_subjects_usually_have_many_cases_one_of_few_counts_for_less() -> None:
    assert usual_sum([]) == usual_sum([0.02] * 500) == usual_sum([1.0] * 990 + [2.0] * 4) == 1.0
    assert usual_sum([1.0] * 500 + [5.0] * 100) == 5.0
    (key,) = ids(1)
    assert standings([(key, 1.0)], 5.0)[key].weight == pytest.approx(0.2)


CONTRACT = {
    "properties": {
        "country": {"type": "string", "default": "DE"},
        "size": {"type": "integer"},
        "tags": {"type": "array"},
    }
}


@pytest.mark.parametrize(
    ("given_input", "field", "segment"),
    [
        ({"country": "FR"}, "country", {"country": "FR"}),
        ({}, "country", {"country": "DE"}),
        ({}, None, {}),
        ({"size": "5"}, "size", {"size": 5}),
        ({}, "size", {}),
        ({"size": "many"}, "size", {}),
        ({"tags": []}, "tags", {}),
    ],
)
def test_the_segment_of_an_input_is_what_the_contract_makes_of_it(
    given_input: dict[str, Any], field: str | None, segment: dict[str, Any]
) -> None:
    assert segment_in(given_input, field, CONTRACT) == segment
