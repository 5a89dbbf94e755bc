"""Traffic that follows the results, and the risk gates that hold whatever it follows."""

from datetime import timedelta
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from andon import Automation, MaxError, Measure, Policy, Review, models, serving
from andon.bootstrap.project import build_events
from andon.experiments import ExperimentState
from andon.experiments.domain import LEAST_SHARE
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.models import encode, encode_labels
from andon.policies import REVIEW
from andon.serving import Candidate
from automations import Payment
from experimenting import ComparedLine
from lines import install
from packages import CLASSES, FEATURES, packed, some_rows
from rolling import OTTO, RolledLine

CERTAIN = """
outcomes: [release, pause, review]
rules:
  - {id: risky, when: 'risk.certain && prediction.score >= 0.5', then: pause, reasons: [HIGH_SCORE]}
  - {id: safe, when: 'risk.certain && prediction.score < 0.5', then: release}
otherwise: review
"""

REVIEWED = Measure("reviewed", unit="EUR", value="input.amount * (outcome == 'review' ? 1.0 : 0.75)")
"""A measure by which the arm with more reviews is better."""

LOOKS_EVERY = timedelta(minutes=6)


def an_unproven_package(folder: Path) -> Path:
    """Make the usual model, held out on rows whose labels are drawn: nothing proves any of its predictions."""
    training, (rows, labels) = some_rows(1)
    drawn = np.random.default_rng(5).permutation(labels).tolist()
    data = lightgbm.Dataset(encode(FEATURES, training[0]), encode_labels(CLASSES, training[1]))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    return packed(folder, booster, training=training, held_out=(rows, drawn), split="drawn labels")


@pytest.fixture
def compared(database: Database, tmp_path: Path) -> ComparedLine:
    automation = Automation(
        "payments",
        contract=Payment,
        subject="account",
        model="fraud-risk",
        policy=Policy.yaml(CERTAIN),
        review=Review(queue="fraud"),
        risk=MaxError(0.2),
        measures=[REVIEWED],
    )
    installation = install(database, tmp_path, automation)
    package = an_unproven_package(tmp_path / "unproven")
    with database.begin() as tx:
        now = installation.clock.now()
        models.register(tx, package, actor=OTTO, events=Events(), reason="test", now=now)
    return ComparedLine(RolledLine(installation, build_events(Settings())))


def test_traffic_goes_to_the_arm_that_does_better_and_no_arm_gets_past_its_gate(compared: ComparedLine) -> None:
    started = compared.start(2, measure="reviewed", better="higher", unit=None, allocation="thompson")
    arms = compared.line.installation.deployment.lines["payments"].traffic.arms
    thresholds = {one.version: arm.gate.threshold for one, arm in arms.items()}
    assert thresholds[1] < 1 < thresholds[2], "the champion is proven, the other is not"
    at, given = started.created_at, 50.0
    for _ in range(20):
        if given > 60:
            break
        compared.line.decide(250)
        at += LOOKS_EVERY
        compared.watch(at)
        given = compared.shares.get(2, 0.0)
    assert given > 60, compared.experiment.why
    assert 100 - given >= LEAST_SHARE
    followed = compared.line.decide(250)
    mostly = sum(one.assignment.version == 2 for one in followed)
    assert mostly / 250 > 0.5
    assert {one.judgement.ruling.outcome for one in compared.line.decided if one.assignment.version == 2} == {REVIEW}
    automatic = [one for one in compared.line.decided if one.judgement.ruling.outcome != REVIEW]
    assert automatic
    assert all(one.judgement.prediction.confidence >= thresholds[1] for one in automatic)


def test_each_decision_names_the_split_that_says_how_probable_its_arm_was(compared: ComparedLine) -> None:
    started = compared.start(2, measure="reviewed", better="higher", unit=None, allocation="thompson")
    at = started.created_at
    for _ in range(4):
        compared.line.decide(150)
        at += LOOKS_EVERY
        compared.watch(at)
    assert compared.experiment.state is ExperimentState.RUNNING, compared.experiment.why
    with compared.line.database.begin() as tx:
        splits = {one.number: one for one in serving.split_history(tx, "payments")}
    chances = {number: one.answering(1) for number, one in splits.items()}
    inverse = dict.fromkeys((1, 2), 0.0)
    for one in compared.line.decided:
        assert one.assignment.bucket is not None
        for version in inverse:
            inverse[version] += 100 / chances[one.assignment.split][Candidate(version)]
    kept = compared.estimates.arms
    assert [arm.inverse for arm in kept] == pytest.approx(list(inverse.values()))
    moved = [splits[number] for number in sorted(splits) if splits[number].shares]
    assert len(moved) >= 2
    assert {one.unit for one in moved} == {"decision"}
