"""A verdict becomes what it says about the class: by the declared truth, by the reviewer's own word, or not at all."""

import dataclasses
from datetime import datetime
from pathlib import Path

import pytest
from tests.integration.labels.labelling import decided

from andon import Policy, Truth, decisions, labels, reviews
from andon.decisions import DecisionRow, Deployment
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.labels import Label, LabelInvalid, LabelSource, ValidLabel
from automations import an_automation
from lines import Installation, install

RITA = Actor("rita")
RULES = "rules: [{id: large, when: 'input.amount > 1.0', then: review}]\notherwise: review\n"
OUTCOMES = f"outcomes: [release, pause, review]\n{RULES}"
CLASS_NAMES = f"outcomes: [ok, fraud, review]\n{RULES}"


def asked(
    database: Database, folder: Path, truth: Truth | None, policy: str = OUTCOMES
) -> tuple[Installation, DecisionRow]:
    """Return a decision that waits for a person, of an automation with this truth."""
    automation = an_automation()
    automation.truth, automation.policy, automation.actions = truth, Policy.yaml(policy), {}
    installation = install(database, folder, automation)
    return installation, decided(installation)


def verdict(installation: Installation, row: DecisionRow, outcome: str, label: str | None = None) -> list[Label]:
    """Return the labels after a verdict."""
    events = Events()
    labels.subscribe(events)
    at: datetime = row.decided_at
    with installation.database.begin() as tx:
        reviews.open_due(tx, now=at)
        review = reviews.of_decision(tx, row.id)
        assert review is not None
        reviews.claim(tx, review.id, actor=RITA, now=at)
        reviews.give_verdict(
            tx, review.id, outcome=outcome, label=label, reason="why", actor=RITA, events=events, now=at
        )
    with installation.database.begin() as tx:
        return labels.of_decision(tx, row.id)


def counts(installation: Installation, row: DecisionRow) -> ValidLabel | None:
    with installation.database.begin() as tx:
        return labels.known_of(tx, row, row.decided_at).valid


def test_the_declared_truth_gives_the_verdict_its_class(database: Database, tmp_path: Path) -> None:
    installation, row = asked(database, tmp_path, Truth({"pause": "fraud", "release": "ok"}))
    (label,) = verdict(installation, row, "pause")
    assert (label.value, label.said, label.source, label.by) == ("fraud", "pause", LabelSource.REVIEW, "rita")
    assert counts(installation, row) == ValidLabel("fraud", LabelSource.REVIEW, 1.0, True, label.id)


def test_an_outcome_that_leaves_the_class_open_gives_no_label_unless_the_reviewer_names_it(
    database: Database, tmp_path: Path
) -> None:
    installation, row = asked(database, tmp_path, Truth({"pause": None, "release": "ok"}))
    other = decided(installation, amount=60.0)
    assert verdict(installation, row, "pause") == []
    (label,) = verdict(installation, other, "pause", "fraud")
    assert (label.value, label.said) == ("fraud", "pause")


@pytest.mark.parametrize(("outcome", "label"), [("pause", "ok"), ("pause", "frauds"), ("release", "")])
def test_a_class_that_is_unknown_or_not_what_the_outcome_says_undoes_the_verdict(
    database: Database, tmp_path: Path, outcome: str, label: str
) -> None:
    installation, row = asked(database, tmp_path, Truth({"pause": "fraud", "release": None}))
    with pytest.raises(LabelInvalid) as refused:
        verdict(installation, row, outcome, label)
    assert [fault.where for fault in refused.value.faults] == ["label" if label else "value"]
    with database.begin() as tx:
        assert labels.of_decision(tx, row.id) == []
        assert reviews.of_decision(tx, row.id) is None  # the whole transaction was undone


def test_where_every_class_is_an_outcome_each_stands_for_itself(database: Database, tmp_path: Path) -> None:
    installation, row = asked(database, tmp_path, None, CLASS_NAMES)
    with database.begin() as tx:
        assert decisions.truth_of(tx, "payments") == Truth({"ok": "ok", "fraud": "fraud"})
    (label,) = verdict(installation, row, "fraud")
    assert (label.value, label.said) == ("fraud", "fraud")


def test_without_a_truth_a_verdict_has_no_class_until_one_is_declared(database: Database, tmp_path: Path) -> None:
    installation, row = asked(database, tmp_path, None)
    (label,) = verdict(installation, row, "pause")
    assert (label.value, label.said) == (None, "pause")
    assert counts(installation, row) is None
    declared = an_automation()
    declared.truth = Truth({"pause": "fraud", "release": "ok"})
    with database.begin() as tx:
        version = decisions.deploy(tx, declared, actor=RITA, now=row.decided_at).number
        assert labels.known_of(tx, row, row.decided_at).valid is None, "what is not released declares nothing"
        told = {"actor": RITA, "reason": "test", "now": row.decided_at, "events": Events()}
        decisions.release(tx, "payments", version, **told)
        known = labels.known_of(tx, row, row.decided_at)
    assert known.labels == (dataclasses.replace(label, value="fraud"),)
    assert known.valid == ValidLabel("fraud", LabelSource.REVIEW, 1.0, True, label.id)


def test_a_verdict_may_name_a_class_that_no_model_was_trained_for(database: Database, tmp_path: Path) -> None:
    truth = Truth({"pause": "scam", "release": "ok"}, untrained=["scam"])
    installation, row = asked(database, tmp_path, truth)
    (label,) = verdict(installation, row, "pause")
    assert label.value == "scam"
    with database.begin() as tx:
        known = labels.known_of(tx, row, row.decided_at)
    assert known.valid is not None
    assert known.valid.value == "scam"


def test_a_truth_of_an_unknown_class_gives_no_label_its_meaning(database: Database, tmp_path: Path) -> None:
    installation, row = asked(database, tmp_path, Truth({"pause": "fraud", "release": "ok"}))
    changed = an_automation()
    changed.truth = Truth({"pause": "scam", "release": "ok"})
    deployment = Deployment(database, [changed], cache=tmp_path / "models", clock=installation.clock, events=Events())
    deployment.refresh()
    assert "has no class 'scam'" in str(deployment.problems["payments"])
    (label,) = verdict(installation, row, "pause")
    assert label.value == "fraud"
