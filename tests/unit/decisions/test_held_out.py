"""The held-out evidence of an arm: what its policy leaves automatic, and what cannot be judged."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from andon import Automation, Expect, MaxError, Policy, Request, Review, Truth, Window
from andon.decisions import HeldOutEvidence, compile_policy
from andon.decisions.held_out import arm_evidence
from andon.models import HeldOutRows, Manifest, Matrix, RiskEvidence
from andon.models.risk import evidence_of
from andon.models.rules_only import MANIFEST
from andon.models.signature import FeatureKind, FeatureSpec, Signature

CLASSES = ("no", "yes")
PLAIN = """
outcomes: [flag, clear, review]
rules:
{rules}
  - {{id: flagged, when: 'risk.certain && prediction.score >= 0.5', then: flag}}
  - {{id: cleared, when: 'risk.certain && prediction.score < 0.5', then: clear}}
otherwise: review
"""


class Person(BaseModel):
    """The input of the tests."""

    age: int
    town: str | None = None
    married: bool = False


def a_line(*rules: str, **more: Any) -> Automation:
    text = more.pop("text", None) or PLAIN.format(rules="\n".join(f"  - {rule}" for rule in rules))
    truth = Truth({"flag": "yes", "clear": "no"})
    usual: dict[str, Any] = {"risk": MaxError(0.05), "truth": truth, "review": Review(queue="people")}
    return Automation("census", contract=Person, model="census", policy=Policy.yaml(text), **(usual | more))


def some_rows(count: int = 400, **columns: Sequence[Any]) -> HeldOutRows:
    """Young people are surely no, and the others are noisy; a quarter calibrates."""
    rng = np.random.default_rng(4)
    age = rng.integers(0, 80, count)
    score = np.where(age < 16, 0.01, rng.random(count))
    labels = [CLASSES[int(draw < one)] for draw, one in zip(rng.random(count), score, strict=True)]
    usual: Mapping[str, Sequence[Any]] = {"age": age.astype(float).tolist(), "married": [0.0, 1.0] * (count // 2)}
    probabilities: Matrix = np.column_stack([1 - score, score])
    return HeldOutRows({**usual, **columns}, labels, CLASSES, probabilities, np.arange(count) % 4 > 0)


def a_manifest(rows: HeldOutRows) -> Manifest:
    confidence, wrong = rows.probabilities.max(axis=1), _wrong(rows)
    plan, test = ~rows.measuring, rows.measuring
    evidence = evidence_of(confidence[plan], confidence[test], wrong[test], wrong[plan])
    signature = Signature("binary", (FeatureSpec("age", FeatureKind.NUMBER),), rows.classes)
    return MANIFEST.model_copy(update={"risk": evidence, "signature": signature})


def _wrong(rows: HeldOutRows) -> Any:
    best = rows.probabilities.argmax(axis=1)
    return np.array([CLASSES[at] != label for at, label in zip(best, rows.labels, strict=True)])


def evidence_for(line: Automation, rows: HeldOutRows | None, manifest: Manifest | None = None) -> HeldOutEvidence:
    known = manifest or a_manifest(some_rows() if rows is None else rows)
    return arm_evidence(line, compile_policy(line)[1], known, lambda: rows)


def counts(table: RiskEvidence) -> list[tuple[int, int, int]]:
    return [(row.planned, row.rows, row.errors) for row in table.table]


def test_a_policy_that_acts_on_all_certain_predictions_has_the_evidence_of_the_model() -> None:
    rows = some_rows()
    manifest = a_manifest(rows)
    assert evidence_for(a_line(), rows, manifest).table is manifest.risk
    assert evidence_for(a_line(), None, manifest).table is manifest.risk


def test_what_the_policy_sends_to_people_is_in_no_region() -> None:
    rows = some_rows()
    found = evidence_for(a_line("{id: young, when: 'input.age < 16', then: review}"), rows)
    adult = np.array(rows.columns["age"]) >= 16
    confidence, wrong, tested = rows.probabilities.max(axis=1), _wrong(rows), rows.measuring
    for row in found.table.table:
        inside = adult & tested & (confidence >= row.threshold)
        assert (row.rows, row.errors) == (inside.sum(), (inside & wrong).sum())
    assert found.table.rows == tested.sum()
    assert found.because == ""


def test_a_rule_that_filters_nothing_leaves_the_counts_as_they_are() -> None:
    rows = some_rows()
    manifest = a_manifest(rows)
    found = evidence_for(a_line("{id: never, when: 'input.age < 0', then: review}"), rows, manifest)
    assert counts(found.table) == counts(manifest.risk)
    assert found.table.foreseen == manifest.risk.foreseen


def test_a_decision_is_wrong_by_the_class_of_its_outcome() -> None:
    """A score of 0.4 says no, and the rule flags: that is wrong where the truth is no."""
    low = PLAIN.replace("0.5", "0.3").format(rules="")
    rows = some_rows()
    found = evidence_for(a_line(text=low), rows).table.table[-1]
    acted = np.where(rows.probabilities[:, 1] >= 0.3, "yes", "no")
    inside = rows.measuring & (rows.probabilities.max(axis=1) >= found.threshold)
    assert found.errors == (acted != np.array(rows.labels))[inside].sum()


def test_a_rule_without_the_gate_counts_in_every_region() -> None:
    rows = some_rows()
    rule = "{id: married, when: 'input.married && prediction.score < 2.0', then: flag, unproven: true}"
    found = evidence_for(a_line(rule), rows)
    married = np.array(rows.columns["married"]) == 1.0
    tested = married & rows.measuring
    top = found.table.table[0]
    others = ~married & rows.measuring & (rows.probabilities.max(axis=1) >= top.threshold)
    flagged_wrongly = (np.array(rows.labels) == "no") & tested
    assert top.rows == tested.sum() + others.sum()
    assert top.errors >= flagged_wrongly.sum()


def test_a_rule_that_asks_no_model_is_no_evidence_about_it() -> None:
    rows = some_rows()
    found = evidence_for(a_line("{id: young, when: 'input.age < 16', then: clear}"), rows)
    filtered = evidence_for(a_line("{id: young, when: 'input.age < 16', then: review}"), rows)
    assert counts(found.table) == counts(filtered.table)
    assert found.alone == ((np.array(rows.columns["age"]) < 16) & rows.measuring).sum()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (a_line("{id: town, when: 'input.town == \"Bern\"', then: review}"), "input.town"),
        (
            a_line(
                "{id: often, when: 'features.age_count_1h > 3.0', then: review}",
                features=[Window("age", by="town", over=("1h",), aggregates=("count",))],
            ),
            "features.age_count_1h",
        ),
        (
            a_line(
                "{id: city, when: 'features.city', then: review}",
                features=[Request("city", lambda person: person["town"] == "Bern")],
            ),
            "input.town (for features.city)",
        ),
        (
            a_line(
                "{id: odd, when: '!features.expectations_hold', then: review}",
                expect=[Expect("town", one_of=("Bern",))],
            ),
            "input.town",
        ),
        (a_line("{id: near, when: 'prediction.confidence < risk.threshold + 0.01', then: review}"), "risk.threshold"),
    ],
)
def test_what_the_rows_do_not_tell_is_named_and_nothing_is_proven(line: Automation, named: str) -> None:
    found = evidence_for(line, some_rows())
    assert found.unjudged == (named,)
    assert named.split(" ")[0] in found.because
    assert found.table.rows == 0
    assert all(row.rows == row.errors == 0 for row in found.table.table)
    assert len(found.table.table) == len(a_manifest(some_rows()).risk.table)


def test_an_older_package_is_unproven_only_under_a_policy_that_filters() -> None:
    found = evidence_for(a_line("{id: young, when: 'input.age < 16', then: review}"), None)
    assert found.unjudged == ("input.age",)
    one_sided = PLAIN.replace("then: clear", "then: review").format(rules="")
    assert evidence_for(a_line(text=one_sided), None).because != ""


def test_a_feature_that_is_not_read_need_not_be_known() -> None:
    line = a_line(
        "{id: young, when: 'input.age < 16', then: review}",
        features=[Request("city", lambda person: person["town"] == "Bern")],
    )
    assert evidence_for(line, some_rows()).because == ""


def test_features_are_computed_from_the_inputs_or_taken_as_they_were_kept() -> None:
    rows = some_rows(age_count_1h=[float(number % 7) for number in range(400)])
    line = a_line(
        "{id: young, when: 'features.young', then: review}",
        "{id: often, when: 'features.age_count_1h > 3.0', then: review}",
        features=[
            Request("young", lambda person: person["age"] < 16),
            Window("age", by="town", over=("1h",), aggregates=("count",)),
        ],
    )
    found = evidence_for(line, rows).table.table[-1]
    left = (np.array(rows.columns["age"]) >= 16) & (np.array(rows.columns["age_count_1h"]) <= 3.0)
    assert found.rows == (left & rows.measuring & (rows.probabilities.max(axis=1) >= found.threshold)).sum()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 80), st.integers(0, 80), st.booleans())
def test_more_filtering_never_adds_rows(low: int, high: int, married: bool) -> None:
    first = f"{{id: young, when: 'input.age < {low}', then: review}}"
    word = "" if married else "!"
    second = f"{{id: old, when: 'input.age >= {high} && {word}input.married', then: review}}"
    rows = some_rows(80)
    one, both = (evidence_for(a_line(*rules), rows).table.table for rules in ((first,), (first, second)))
    assert all(a.rows >= b.rows and a.errors >= b.errors for a, b in zip(one, both, strict=True))
