"""Decisions are found by filters that stand in the address, and each shows every step it went through."""

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Bank, Visit

pytestmark = pytest.mark.browser

STEPS = [
    "In",
    "Admit",
    "Validate",
    "Features",
    "Predict",
    "Confide",
    "Policy",
    "Record",
    "Answer",
    "Act",
    "Learn",
    "Watch",
]


def test_a_decision_shows_every_step_from_the_request_to_what_was_learnt(visit: Visit, bank: Bank) -> None:
    page = visit("vera")
    page.goto("/decisions?outcome=release")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    steps = page.locator("ol.timeline > li")
    expect(steps).to_have_count(len(STEPS))
    assert [name.capitalize() for name in steps.locator("h3").all_inner_texts()] == STEPS
    expect(steps.nth(0)).to_contain_text("account_id")
    expect(steps.nth(3)).to_contain_text("amount_count_10m")
    expect(steps.nth(4)).to_contain_text("fraud-risk version 1")
    expect(steps.nth(7)).to_contain_text("number 1 of chain")
    expect(steps.nth(9)).to_contain_text("core-banking")


def test_filters_stand_in_the_address_and_pages_go_on_without_a_gap(visit: Visit, bank: Bank) -> None:
    page = visit("vera")
    page.goto("/decisions")
    seen = set()
    for count in (50, 50, 20):
        expect(page.locator("[data-row]")).to_have_count(count)
        seen |= {link.get_attribute("href") for link in page.locator("[data-row] td a").all()}
        if count == 50:
            page.get_by_role("link", name="Older").click()
    assert seen == {f"/decisions/{decision}" for decision in bank.decisions}
    page.get_by_label("Outcome").fill("review")
    page.get_by_label("Outcome").press("Enter")
    page.wait_for_url(lambda url: "outcome=review" in url)
    assert set(page.locator("[data-row] .tag").all_inner_texts()) == {"review"}


def test_a_filter_that_cannot_be_read_is_explained(visit: Visit) -> None:
    page = visit("vera")
    page.goto("/decisions?since=yesterday")
    expect(page.get_by_role("alert")).to_contain_text("From: expected a time such as 2026-11-24 08:30, got 'yesterday'")
    expect(page.get_by_label("From (UTC)")).to_have_value("yesterday")
