"""Blind audits over HTTP: drawn, opened without the line's decision, decided by class, and made a weighted label."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.auditing import audited, opened, review_of

from andon import BlindAudit, actions, audit, decisions, labels, reviews
from andon.access import Grant, Role
from andon.decisions import DecisionRow
from andon.kernel.db import Database
from andon.labels import LabelSource
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation, install

SHARE = "/v1/automations/payments/audit-share"


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, audited())


def decided(installation: Installation, number: int = 1, **fields: Any) -> DecisionRow:
    key = installation.key(f"bank-{number}", CALLER)
    installation.deployment.refresh_controls()
    answer = call(installation, "POST", DECIDE, key, json=payment(number, **fields)).json()
    with installation.database.begin() as tx:
        return decisions.get(tx, UUID(answer["id"])).row


def worked(installation: Installation, row: DecisionRow, key: str, value: str) -> dict[str, Any]:
    """Return the review after a verdict."""
    path = f"/v1/reviews/{review_of(installation.database, row.id).id}"
    assert call(installation, "POST", f"{path}/claim", key).status_code == 200
    said = call(installation, "POST", f"{path}/verdict", key, json={"outcome": value, "reason": "looked it up"})
    assert said.status_code == 200, said.text
    answer: dict[str, Any] = said.json()
    return answer


def test_an_audited_decision_acts_as_ever_and_its_review_shows_only_what_the_line_saw(
    installation: Installation,
) -> None:
    row = decided(installation)
    assert (row.outcome, row.audit_probability, row.audit_drawn) == ("release", 1.0, True)
    assert opened(installation) == 1
    rita = installation.key("rita", Grant(Role.REVIEWER, "payments"))
    review = review_of(installation.database, row.id)
    shown = call(installation, "GET", f"/v1/reviews/{review.id}", rita).json()
    assert (shown["blind"], shown["queue"], shown["outcomes"]) == (True, "audits", ["ok", "fraud"])
    assert (shown["rule"], shown["reasons"], shown["predicted"], shown["agrees"]) == ("", [], None, None)
    assert set(shown["decision"]) == {"id", "automation", "input", "features"}
    assert shown["decision"]["input"] == payment()
    assert "round_amount" in shown["decision"]["features"]
    with installation.database.begin() as tx:
        assert [action.action for action in actions.of_decision(tx, row.id)] == ["release"]


@pytest.mark.parametrize(("value", "agrees"), [("ok", True), ("fraud", False)])
def test_the_verdict_names_a_class_sets_off_nothing_and_becomes_a_label_with_the_probability(
    database: Database, tmp_path: Path, value: str, agrees: bool
) -> None:
    share = BlindAudit(0.999_999, queue="audits")
    installation = install(database, tmp_path, audited(share))
    row = decided(installation)
    opened(installation)
    rita = installation.key("rita", Grant(Role.REVIEWER, "payments"))
    after = worked(installation, row, rita, value)
    assert (after["predicted"], after["agrees"], after["decision"]["outcome"]) == ("ok", agrees, "release")
    with database.begin() as tx:
        (label,) = labels.of_decision(tx, row.id)
        assert (label.value, label.source, label.probability, label.by) == (
            value,
            LabelSource.BLIND_AUDIT,
            0.999_999,
            "rita",
        )
        assert len(actions.of_decision(tx, row.id)) == 1
        assert reviews.audit_counts(tx)["payments"] == reviews.AuditCounts(int(agrees), int(not agrees))
        assert audit.page(tx, action="review.verdict")[0].reason == "looked it up"
    listed = call(installation, "GET", "/v1/reviews?blind=true&state=decided", rita).json()["reviews"]
    assert [(one["agrees"], one["verdict"]["outcome"]) for one in listed] == [(agrees, value)]
    assert call(installation, "GET", "/v1/reviews?blind=false&state=decided", rita).json()["reviews"] == []


def test_a_question_of_a_procedure_shows_what_the_line_decided_not_what_an_audit_said(
    installation: Installation,
) -> None:
    row = decided(installation)
    opened(installation)
    worked(installation, row, installation.key("rita", Grant(Role.REVIEWER, "payments")), "fraud")
    key = uuid4()
    with installation.database.begin() as tx:
        reviews.ask(
            tx,
            key=key,
            procedure_id=uuid4(),
            decision_id=row.id,
            automation="payments",
            queue="fraud",
            question="Send it back?",
            choices=("yes", "no"),
            due=timedelta(hours=1),
            correlation_id="c",
            traceparent=None,
            now=installation.clock.now(),
        )
        asked = reviews.find_question(tx, key)
        assert asked is not None
        shown = reviews.decision_of(tx, asked)
    assert (shown["outcome"], shown["decided_by"]) == ("release", "policy")


def test_only_classes_are_verdicts_of_a_blind_review_and_each_is_given_once(installation: Installation) -> None:
    row = decided(installation)
    opened(installation)
    rita = installation.key("rita", Grant(Role.REVIEWER, "payments"))
    path = f"/v1/reviews/{review_of(installation.database, row.id).id}"
    call(installation, "POST", f"{path}/claim", rita)
    wrong = call(installation, "POST", f"{path}/verdict", rita, json={"outcome": "release", "reason": "why"})
    assert (wrong.status_code, "there are: ok, fraud" in wrong.json()["detail"]) == (422, True)
    both = {"outcome": "fraud", "label": "fraud", "reason": "why"}
    refused = call(installation, "POST", f"{path}/verdict", rita, json=both)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "label")
    said = {"outcome": "fraud", "reason": "why"}
    answers = [call(installation, "POST", f"{path}/verdict", rita, json=said).status_code for _ in range(2)]
    assert answers == [200, 409]
    with installation.database.begin() as tx:
        assert len(labels.of_decision(tx, row.id)) == 1


def test_an_owner_corrects_the_label_of_an_audit_and_its_probability_stays(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path, audited(BlindAudit(0.999_999)))
    row = decided(installation)
    opened(installation)
    rita = installation.key("rita", Grant(Role.REVIEWER, "payments"))
    worked(installation, row, rita, "fraud")
    with database.begin() as tx:
        (label,) = labels.of_decision(tx, row.id)
    path, said = f"/v1/decisions/{row.id}/labels/{label.id}/correct", {"value": "ok", "reason": "the wrong account"}
    assert call(installation, "POST", path, rita, json=said).status_code == 403
    olga = installation.key("olga", Grant(Role.OWNER, "payments"))
    corrected = call(installation, "POST", path, olga, json=said).json()
    assert (corrected["source"], corrected["probability"], corrected["value"]) == ("blind_audit", 0.999_999, "ok")


def test_nothing_that_goes_to_a_person_anyway_is_drawn_and_a_repeat_draws_the_same(
    database: Database, tmp_path: Path
) -> None:
    installation = install(database, tmp_path, audited(BlindAudit(0.5)))
    asked = decided(installation, amount=300.0)
    assert (asked.outcome, asked.audit_probability, asked.audit_drawn) == ("review", 0.0, False)
    draws = [decided(installation, number) for number in range(2, 12)]
    again = [
        call(installation, "POST", DECIDE, installation.key(f"k{n}", CALLER), json=payment(n)) for n in range(2, 12)
    ]
    with database.begin() as tx:
        repeated = [decisions.get(tx, UUID(answer.json()["id"])).row for answer in again]
    assert [row.audit_drawn for row in draws] == [row.audit_drawn for row in repeated]
    assert {row.audit_probability for row in draws} == {0.5}
    assert {row.audit_drawn for row in draws} == {True, False}


def test_a_replay_of_a_drawn_decision_is_identical(installation: Installation) -> None:
    row = decided(installation)
    with installation.database.begin() as tx:
        record = decisions.get(tx, row.id)
    replayed = decisions.replay([record], lambda _: installation.deployment.lines["payments"], lambda _: None)
    assert (replayed.identical, replayed.differences) == (1, ())
    assert record.record["draw"] == {"probability": 1.0, "drawn": True}


def test_the_share_is_changed_within_its_bounds_by_owners_and_lines_follow(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path, audited(BlindAudit(0.02, least=0.01, most=0.2)))
    olga, otto = installation.key("olga", Grant(Role.OWNER)), installation.key("otto", Grant(Role.OPERATOR))
    before = call(installation, "GET", SHARE, otto).json()
    assert (before["share"], before["changed"], before["least"], before["most"]) == (0.02, None, 0.01, 0.2)
    change = {"share": 0.1, "reason": "a new pattern"}
    assert call(installation, "POST", SHARE, otto, json=change).status_code == 403
    beyond = call(installation, "POST", SHARE, olga, json={**change, "share": 0.3})
    assert (beyond.status_code, beyond.json()["errors"][0]["field"]) == (422, "share")
    made = call(installation, "POST", SHARE, olga, json=change).json()
    assert (made["share"], made["changed"]["by"], made["changed"]["reason"]) == (0.1, "olga", "a new pattern")
    assert decided(installation).audit_probability == 0.1
    with database.begin() as tx:
        (entry,) = audit.page(tx, action="audit_share.set")
    assert (entry.leaf.actor, entry.before, entry.after) == ("olga", None, {"share": 0.1})
    for statement in ("UPDATE audit_shares SET share = 1", "DELETE FROM audit_shares"):
        with pytest.raises(DBAPIError, match="immutable"), database.begin() as tx:
            tx.execute(text(statement))


def test_an_automation_without_audits_has_no_share(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path, audited(None))
    olga = installation.key("olga", Grant(Role.OWNER))
    refused = call(installation, "GET", SHARE, olga)
    assert (refused.status_code, refused.json()["type"].rsplit(":", 1)[1]) == (409, "audits-not-declared")
    assert call(installation, "GET", "/v1/automations/other/audit-share", olga).status_code == 404
    row = decided(installation)
    assert (row.outcome, row.audit_probability, row.audit_drawn) == ("release", 0.0, False)
    assert opened(installation) == 0
