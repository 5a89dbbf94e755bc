"""A review is worked from the queue to the verdict without touching the mouse."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Bank, Visit

from andon import actions, audit, labels, reviews
from andon.reviews import ReviewFilter, ReviewState

pytestmark = pytest.mark.browser


def press(page: Page, key: str) -> None:
    """Presses a key once the page's script is there to hear it: a form's answer is seen before that."""
    page.wait_for_load_state()
    page.keyboard.press(key)


def test_a_review_is_opened_claimed_decided_and_explained_by_keyboard_alone(visit: Visit, bank: Bank) -> None:
    page = visit("otto")
    page.goto("/reviews")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("[data-row] a").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Why a person")).to_be_visible()
    press(page, "c")
    expect(page.get_by_role("status")).to_have_text("The review is yours.")
    press(page, "2")
    expect(page.get_by_label("pause")).to_be_checked()
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("1 call: the holder knows nothing of it")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("The verdict is recorded")
    with bank.database.begin() as tx:
        (review,) = reviews.page(tx, ReviewFilter(state=ReviewState.DECIDED), now=bank.clock.now())
        assert review.verdict is not None
        assert (review.verdict.outcome, review.verdict.by) == ("pause", "otto")
        assert review.verdict.reason == "1 call: the holder knows nothing of it"
        assert [action.action for action in actions.of_decision(tx, review.decision_id)] == ["pause"]
        assert [label.value for label in labels.of_decision(tx, review.decision_id)] == ["fraud"]
        assert audit.page(tx, action="review.verdict")[0].reason == review.verdict.reason
    page.goto(f"/decisions/{review.decision_id}")
    expect(page.locator("ol.timeline")).to_contain_text("fraud, by review mature in 6 d 23 h")
    expect(page.locator("ol.timeline")).to_contain_text("fraud, by otto")


def test_c_in_the_queue_claims_the_row_that_is_chosen_and_r_gives_it_back(visit: Visit, bank: Bank) -> None:
    page = visit("otto")
    page.goto("/reviews")
    page.keyboard.press("j")
    page.keyboard.press("j")
    chosen = page.evaluate("document.activeElement.pathname")
    page.keyboard.press("c")
    page.wait_for_url(lambda url: f"{chosen}?done=claimed" in url)
    page.keyboard.press("r")
    expect(page.get_by_role("status")).to_have_text("The review can be claimed again.")


def test_a_review_that_somebody_holds_is_nobody_elses(visit: Visit) -> None:
    mine, theirs = visit("otto"), visit("ada")
    for page in (mine, theirs):
        page.goto("/reviews")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Claim")).to_be_visible()
    press(mine, "c")
    expect(mine.get_by_role("status")).to_be_visible()
    press(theirs, "c")
    expect(theirs.get_by_role("alert")).to_contain_text("otto holds this review until")
    expect(theirs.get_by_role("button", name="Decide")).to_have_count(0)


def test_a_verdict_the_server_refuses_keeps_what_was_typed(visit: Visit) -> None:
    page = visit("otto")
    page.goto("/reviews")
    page.locator("[data-row]").first.get_by_role("button", name="Claim").click()
    page.get_by_label("release").check()
    page.get_by_label("Reason").fill("   ")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("alert")).to_have_text("A reason is required: it is recorded in the audit log")
    expect(page.get_by_label("release")).to_be_checked()


def test_a_question_mark_shows_the_keys_and_escape_hides_them(visit: Visit) -> None:
    page = visit("otto")
    page.goto("/reviews")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
