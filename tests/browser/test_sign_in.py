"""Who gets in, how long they stay, and what a stranger sees."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Bank, Visit
from tests.browser.world import OWNER

from andon import access
from andon.kernel.events import Events

pytestmark = pytest.mark.browser


def test_a_key_opens_the_page_that_was_asked_for_and_leaves_a_cookie_no_script_can_read(
    visit: Visit, bank: Bank
) -> None:
    page = visit()
    page.goto("/decisions?outcome=review")
    page.get_by_label("API key").fill(bank.keys["vera"])
    page.keyboard.press("Enter")
    page.wait_for_url("/decisions?outcome=review")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert bank.keys["vera"] not in cookie["value"]
    assert page.evaluate("document.cookie") == ""


def test_a_wrong_key_is_refused_and_guessing_is_slowed_down(visit: Visit, bank: Bank) -> None:
    page = visit()
    for _ in range(4):
        page.get_by_label("API key").fill("andon_guess")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("unknown, expired or revoked")
    page.get_by_label("API key").fill(bank.keys["ada"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Too many attempts")
    bank.clock.ahead += timedelta(seconds=3)
    page.get_by_label("API key").fill(bank.keys["ada"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(visit: Visit) -> None:
    page = visit("ada")
    (cookie,) = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("/sign-in")
    page.context.add_cookies([cookie])
    page.goto("/decisions")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_revoked_key_is_out_at_the_next_click(visit: Visit, bank: Bank) -> None:
    page = visit("vera")
    with bank.database.begin() as tx:
        (key,) = (key for key in access.list_keys(tx) if key.principal.name == "vera")
        access.revoke_key(tx, key.principal.id, actor=OWNER, events=Events(), reason="left", now=bank.clock.now())
    page.get_by_role("link", name="Decisions").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_idle_session_ends(visit: Visit, bank: Bank) -> None:
    page = visit("vera")
    bank.clock.ahead += timedelta(minutes=61)
    page.goto("/decisions")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_stranger_finds_nothing_of_another_line(visit: Visit, bank: Bank) -> None:
    page = visit("stan")
    expect(page.get_by_text("transfer-screening")).to_have_count(0)
    for path in ("/decisions", "/reviews", "/actions?state=done"):
        page.goto(path)
        expect(page.locator("[data-row]")).to_have_count(0)
    for path in (f"/decisions/{bank.decisions[0]}", f"/actions/{bank.dead[0]}"):
        assert (answer := page.goto(path)) is not None
        assert answer.status == 404
    for path in ("/models", "/models/fraud-risk/1", "/audit"):
        assert (answer := page.goto(path)) is not None
        assert answer.status == 403
    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()


def test_a_program_that_may_only_ask_for_decisions_sees_no_page(visit: Visit, bank: Bank) -> None:
    page = visit("kai")
    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_count(0)


def test_a_viewer_sees_everything_of_the_line_and_no_button_that_changes_it(visit: Visit, bank: Bank) -> None:
    page = visit("vera")
    page.goto("/reviews")
    expect(page.get_by_role("button", name="Claim")).to_have_count(0)
    page.locator("[data-row] a").first.click()
    expect(page.get_by_text("Your key may read it, but not decide.")).to_be_visible()
    page.goto(f"/actions/{bank.dead[0]}")
    expect(page.get_by_role("button", name="Resend")).to_have_count(0)
    page.goto("/models/fraud-risk/1")
    expect(page.get_by_role("button", name="Set alias")).to_have_count(0)
