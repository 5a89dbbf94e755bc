"""A blind audit in the console: nothing of what the line decided is there before the verdict, and all of it after."""

import copy
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from tests.browser import world
from tests.browser.conftest import Bank, Visit

from andon import BlindAudit, actions, decisions, labels, reviews
from andon.decisions import AuditDraws

pytestmark = pytest.mark.browser

TELLING = ("release", "HIGH_SCORE", "Score", "Confidence", "Model", "certain enough", "safe", "predict")
"""Words that would say what the line decided, or how."""


def audited(bank: Bank) -> tuple[UUID, str]:
    """Return a transfer that was released and drawn, and the address of its review."""
    screening = copy.copy(bank.line.automation)
    screening.audit = BlindAudit(1.0, queue="audits")
    loaded: Any = bank.line.endpoint
    line = decisions.assemble(
        screening, loaded, number=bank.line.ref.automation_version, draws=AuditDraws(world.PEPPER)
    )
    small = world.Transfer(account_id="acc-audited", amount=12.0, country="DE")
    (decision_id,) = world.decided(bank.database, line, bank.clock, [small])
    assert world.opened(bank.database, bank.clock.now()) == 1
    with bank.database.begin() as tx:
        assert decisions.get(tx, decision_id).row.outcome == "release"
        review = reviews.of_decision(tx, decision_id)
    assert review is not None
    return decision_id, f"/reviews/{review.id}"


def tells_nothing(page: Page) -> None:
    said = page.locator("main").inner_text()
    assert "acc-audited" in said
    assert [word for word in TELLING if word in said] == []


def test_a_blind_audit_is_judged_by_what_the_line_saw_and_then_shows_what_it_said(visit: Visit, bank: Bank) -> None:
    decision_id, review = audited(bank)
    page = visit("otto")
    page.goto("/reviews")
    row = page.locator("[data-row]", has_text="audits")
    expect(row).to_contain_text("blind audit")
    assert "0." not in row.inner_text(), "no score"
    page.goto(review)
    expect(page.get_by_role("heading", name="A blind audit")).to_be_visible()
    tells_nothing(page)
    assert page.locator(f"main a[href*='{decision_id}']").count() == 0
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_role("status")).to_have_text("The review is yours.")
    tells_nothing(page)
    page.goto(f"/decisions/{decision_id}")
    expect(page.get_by_role("note")).to_contain_text("what the line decided is hidden until your verdict")
    tells_nothing(page)
    page.get_by_role("link", name="blind audit").click()
    page.get_by_label("fraud").check()
    page.get_by_label("Reason").fill("the holder did not order this")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("status")).to_contain_text("it triggers nothing")
    expect(page.locator("main")).to_contain_text("the audit disagrees")
    expect(page.locator("main")).to_contain_text("by rule safe")
    expect(page.get_by_role("link", name="The whole decision")).to_be_visible()
    with bank.database.begin() as tx:
        (label,) = labels.of_decision(tx, decision_id)
        assert (label.value, label.source.value, label.probability) == ("fraud", "blind_audit", 1.0)
        assert [action.action for action in actions.of_decision(tx, decision_id)] == ["release"]
    page.goto("/reviews?show=audited")
    expect(page.locator("[data-row]")).to_contain_text("the line predicted ok")
    page.goto(f"/decisions/{decision_id}")
    expect(page.locator("ol.timeline")).to_contain_text("fraud, by blind audit")


def test_who_does_not_hold_the_audit_sees_the_decision_as_ever(visit: Visit, bank: Bank) -> None:
    decision_id, review = audited(bank)
    holder, other = visit("otto"), visit("ada")
    holder.goto(review)
    holder.get_by_role("button", name="Claim").click()
    expect(holder.get_by_role("status")).to_have_text("The review is yours.")
    other.goto(f"/decisions/{decision_id}")
    expect(other.locator("ol.timeline")).to_contain_text("Drawn for a blind audit, with a probability of 100")
    other.goto(review)
    tells_nothing(other)
    expect(other.locator("main")).to_contain_text("otto is working on it")
