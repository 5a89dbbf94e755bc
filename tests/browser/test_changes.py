"""An operator's changes in the console: an alias, a dead letter. Each needs a reason and stands in the audit log."""

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Bank, Visit
from tests.browser.world import OWNER

from andon import actions, audit, models
from andon.kernel.events import Events

pytestmark = pytest.mark.browser


def test_an_alias_is_set_with_a_reason_that_shows_in_the_history_and_the_audit_log(visit: Visit, bank: Bank) -> None:
    page = visit("ada")
    page.goto("/models")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("figure.plot canvas")).to_have_count(4)
    page.get_by_role("textbox", name="Alias").fill("stable")
    page.get_by_label("Reason").fill("a quiet week")
    page.get_by_role("button", name="Set alias").click()
    expect(page.get_by_role("status")).to_contain_text("The alias is set")
    expect(page.get_by_role("row").filter(has_text="a quiet week")).to_contain_text("stable")
    with bank.database.begin() as tx:
        assert models.by_alias(tx, "fraud-risk", "stable").number == 1
    page.goto("/audit?action=model.alias")
    expect(page.locator("tbody tr").first).to_contain_text("a quiet week")


def test_a_dead_letter_is_sent_again_under_its_key_with_a_reason(visit: Visit, bank: Bank) -> None:
    page = visit("otto")
    page.goto("/actions")
    expect(page.locator("[data-row]")).to_have_count(2)
    page.locator(f'a[href="/actions/{bank.dead[0]}"]').click()
    page.get_by_label("Reason").fill("core banking is back")
    page.get_by_role("button", name="Resend").click()
    expect(page.get_by_role("status")).to_contain_text("will be delivered again")
    with bank.database.begin() as tx:
        assert actions.get(tx, bank.dead[0]).state is actions.ActionState.PENDING
        assert audit.page(tx, action="action.resend")[0].reason == "core banking is back"
    page.goto("/actions")
    expect(page.locator("[data-row]")).to_have_count(1)


def test_what_was_done_meanwhile_by_somebody_else_is_said(visit: Visit, bank: Bank) -> None:
    page = visit("otto")
    page.goto(f"/actions/{bank.dead[0]}")
    with bank.database.begin() as tx:
        actions.resend(tx, bank.dead[0], actor=OWNER, events=Events(), reason="first", now=bank.clock.now())
    page.get_by_label("Reason").fill("second")
    page.get_by_role("button", name="Resend").click()
    expect(page.get_by_role("alert")).to_contain_text("only a dead letter can be sent again")


def test_dead_letters_are_narrowed_and_sent_again_together(visit: Visit, bank: Bank) -> None:
    page = visit("otto")
    page.goto("/actions")
    page.get_by_label("Last error contains").fill("no such error")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No action matches these filters.")).to_be_visible()
    page.get_by_label("Last error contains").fill("503")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("[data-row]")).to_have_count(2)
    expect(page.get_by_role("heading", name="Send these 2 again")).to_be_visible()
    page.get_by_label("Reason").fill("core banking is back")
    page.get_by_role("button", name="Resend").click()
    expect(page.get_by_role("status")).to_contain_text("will be delivered again")
    with bank.database.begin() as tx:
        assert {actions.get(tx, one).state for one in bank.dead} == {actions.ActionState.PENDING}
        assert audit.page(tx, action="action.resend_all")[0].reason == "core banking is back"


def test_what_a_person_found_out_to_be_taken_is_confirmed_and_a_viewer_is_not_asked(visit: Visit, bank: Bank) -> None:
    page = visit("otto")
    page.goto(f"/actions/{bank.dead[0]}")
    page.get_by_label("How you know").fill("it stands in their ledger")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("The action is done")
    with bank.database.begin() as tx:
        assert actions.get(tx, bank.dead[0]).state is actions.ActionState.DONE
    stranger = visit("vera")
    stranger.goto("/actions")
    expect(stranger.get_by_role("button", name="Resend")).to_have_count(0)
