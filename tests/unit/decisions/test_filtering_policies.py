"""A policy that keeps the easy cases from the line: the promise holds for what remains automatic."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from pydantic import BaseModel
from scipy.stats import binom

from andon import Automation, MaxError, Policy, Review, Truth
from andon.decisions import UNCONTROLLED, Gate, Line, Seen, assemble
from andon.models import FeatureKind, FeatureSpec, encode, pack
from andon.policies import REVIEW
from andon.testing import START, endpoint_of

TARGET = 0.05
FEATURES = tuple(FeatureSpec(name, FeatureKind.NUMBER) for name in ("age", "hours", "school"))
CLASSES = ("low", "high")


class Person(BaseModel):
    """One row of a census."""

    age: int
    hours: float
    school: float


def census(rng: np.random.Generator, rows: int) -> tuple[dict[str, Any], list[str]]:
    """Nobody under sixteen earns much, and whether the others do is half luck."""
    age = rng.integers(0, 90, rows)
    age = np.where(rng.random(rows) < 0.2, rng.integers(0, 16, rows), age)
    hours, school = rng.normal(0, 1, rows), rng.normal(0, 1, rows)
    high = (age >= 16) & (rng.random(rows) < 1 / (1 + np.exp(-2.2 * hours - 1.6 * school)))
    return {"age": age, "hours": hours, "school": school}, np.where(high, "high", "low").tolist()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(42)
    training, held_out = census(rng, 4_000), census(rng, 6_000)
    model = LGBMClassifier(n_estimators=60, num_leaves=8, random_state=1, n_jobs=1, verbosity=-1)
    model.fit(encode(FEATURES, training[0]), [CLASSES.index(one) for one in training[1]])
    return pack(
        tmp_path_factory.mktemp("census") / "package",
        name="census",
        model=model,
        features=FEATURES,
        classes=CLASSES,
        training=training,
        held_out=held_out,
        split="drawn",
    )


def a_line(rule: str = "") -> Automation:
    policy = f"""
outcomes: [low, high, review]
rules:
{rule}
  - {{id: high, when: 'risk.certain && prediction.score >= 0.5', then: high}}
  - {{id: low, when: 'risk.certain && prediction.score < 0.5', then: low}}
otherwise: review
"""
    return Automation(
        "census",
        contract=Person,
        model="census",
        policy=Policy.yaml(policy),
        risk=MaxError(TARGET),
        truth=Truth({"low": "low", "high": "high"}),
        review=Review(queue="people"),
    )


YOUNG = "  - {id: young, when: 'input.age < 16', then: review}"


def decided(line: Line, gate: Gate) -> tuple[float, int, int]:
    """Return the automatic share of fresh rows under a gate, how many that are, and how many of them are wrong."""
    rows, labels = census(np.random.default_rng(7), 20_000)
    columns = [rows["age"].tolist(), rows["hours"].tolist(), rows["school"].tolist()]
    inputs = [dict(zip(rows, values, strict=True)) for values in zip(*columns, strict=True)]
    arm = replace(line.traffic.champion, gate=gate)
    judged = line.judge.judge_now(arm, inputs, [Seen({}) for _ in inputs], UNCONTROLLED, now=START)
    acted = [(one.ruling.outcome, true) for one, true in zip(judged, labels, strict=True)]
    automatic = [(outcome, true) for outcome, true in acted if outcome != REVIEW]
    return len(automatic) / len(acted), len(automatic), sum(outcome != true for outcome, true in automatic)


def test_the_model_alone_keeps_its_promise_and_the_filtered_rest_of_it_does_not(package: Path) -> None:
    """The fault: a proof about the model alone says nothing about what a policy leaves automatic."""
    plain, filtered = (assemble(a_line(rule), endpoint_of(package), number=1) for rule in ("", YOUNG))
    gate = plain.traffic.champion.gate
    _, automatic, wrong = decided(plain, gate)
    assert wrong <= binom.ppf(0.999, automatic, TARGET)
    _, automatic, wrong = decided(filtered, gate)
    assert wrong > binom.ppf(0.9999, automatic, TARGET)


def test_the_gate_of_a_filtering_policy_holds_for_what_remains_automatic(package: Path) -> None:
    line = assemble(a_line(YOUNG), endpoint_of(package), number=1)
    champion = line.traffic.champion
    share, automatic, wrong = decided(line, champion.gate)
    assert 0 < wrong <= binom.ppf(0.999, automatic, TARGET)
    table = champion.evidence.table
    above = next(row.rows for row in table.table if row.threshold == champion.gate.threshold)
    assert share == pytest.approx(above / table.rows, abs=0.03)
    assert share < decided(line, assemble(a_line(), endpoint_of(package), number=1).traffic.champion.gate)[0]
