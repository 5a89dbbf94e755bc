"""Procedures in the console: found by state, each with its timeline, stopped and let go on with a reason."""

import os
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Bank, Visit

from andon import Procedure, procedure
from andon.procedures import RunState
from andon.procedures.conducting import Conductor
from conducting import conducting, send, start, until

pytestmark = pytest.mark.browser


def nothing() -> None:
    """Do nothing, as a step."""


@procedure("pause-transfer")
async def pausing(p: Procedure, given: dict[str, Any]) -> str:
    await p.step(nothing, name="pause", compensate=lambda: p.step(nothing, name="release"))
    answer = await p.wait_for("customer-answer")
    if answer is not None and answer.data == "broken":
        raise RuntimeError("the bank is closed")
    return "confirm"


@pytest.fixture
def conductor(bank: Bank) -> Iterator[Conductor]:
    with conducting(bank.database, pausing) as conductor:
        yield conductor


@pytest.fixture
def waiting(bank: Bank, conductor: Conductor) -> UUID:
    one = start(bank.database, conductor, "pause-transfer")
    until(bank.database, one, RunState.WAITING)
    return one


def test_who_runs_the_line_stops_one_and_lets_it_go_on(visit: Visit, bank: Bank, waiting: UUID) -> None:
    page = visit("otto")
    page.goto("/procedures?state=waiting")
    page.locator("[data-row] a").click()
    steps = page.locator("ol.timeline > li")
    expect(steps).to_have_count(2)
    expect(steps.nth(0)).to_contain_text("1. pause")
    expect(steps.nth(1)).to_contain_text("customer-answer")
    page.locator("form[action$=cancel] textarea").fill("wrong account")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_contain_text("stopped")
    expect(page.locator("h1")).to_contain_text("cancelled")
    expect(page.locator("aside")).to_contain_text("wrong account")
    if shots := os.environ.get("ANDON_TEST_SHOTS"):
        page.screenshot(path=f"{shots}/procedure.png", full_page=True)
    page.locator("form[action$=resume] textarea").fill("right after all")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status")).to_contain_text("The procedure continues")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_failure_shows_what_was_tried_and_what_was_undone_at_any_width(
    visit: Visit, bank: Bank, waiting: UUID, width: int
) -> None:
    send(bank.database, waiting, "customer-answer", "broken")
    until(bank.database, waiting, RunState.FAILED)
    page = visit("otto", width=width)
    page.goto(f"/procedures/{waiting}")
    steps = page.locator("ol.timeline > li")
    expect(steps).to_have_count(3)
    expect(steps.nth(1)).to_contain_text("sent by otto")
    expect(steps.nth(2)).to_contain_text("undoes")
    expect(page.locator("aside")).to_contain_text("the bank is closed")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if shots := os.environ.get("ANDON_TEST_SHOTS"):
        page.screenshot(path=f"{shots}/procedure-{width}.png", full_page=True)
    page.goto("/procedures")
    expect(page.locator("[data-row]")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if shots:
        page.screenshot(path=f"{shots}/procedures-{width}.png", full_page=True)


def test_a_failed_one_is_forked_from_a_step_and_the_new_one_goes_its_own_way(
    visit: Visit, bank: Bank, waiting: UUID
) -> None:
    send(bank.database, waiting, "customer-answer", "broken")
    until(bank.database, waiting, RunState.FAILED)
    page = visit("otto")
    page.goto(f"/procedures/{waiting}")
    form = page.locator("form[action$=fork]")
    expect(form.get_by_label("Step")).to_have_value("1")  # what was undone is to be done again
    form.get_by_label("Step").fill("2")
    form.get_by_label("Reason").fill("the bank is open again")
    form.get_by_role("button", name="Fork").click()
    expect(page.get_by_role("status")).to_contain_text("new procedure")
    forked = UUID(page.url.partition("?")[0].rpartition("/")[2])
    assert forked != waiting
    expect(page.locator("aside")).to_contain_text(f"{waiting} at step 2")
    until(bank.database, forked, RunState.WAITING)
    send(bank.database, forked, "customer-answer", {"mine": False})
    until(bank.database, forked, RunState.DONE)
    page.reload()
    expect(page.locator("ol.timeline > li")).to_have_count(2)
    expect(page.get_by_label("Result")).to_contain_text("confirm")
    page.goto(f"/procedures/{waiting}")
    expect(page.locator("h1")).to_contain_text("failed")
    expect(page.locator("aside")).to_contain_text("the bank is open again")


def test_a_step_that_is_not_there_and_a_missing_reason_are_told(visit: Visit, bank: Bank, waiting: UUID) -> None:
    page = visit("otto")
    page.goto(f"/procedures/{waiting}")
    page.evaluate("document.querySelector('form[action$=fork]').noValidate = true")
    form = page.locator("form[action$=fork]")
    form.get_by_label("Step").fill("9")
    form.get_by_label("Reason").fill("why not")
    form.get_by_role("button", name="Fork").click()
    expect(page.get_by_role("alert")).to_contain_text("one of its steps 1 to 2")
    page.evaluate("document.querySelector('form[action$=fork]').noValidate = true")
    page.locator("form[action$=fork]").get_by_role("button", name="Fork").click()
    expect(page.get_by_role("alert")).to_contain_text("reason is required")


def test_who_only_looks_has_no_buttons_and_a_stranger_sees_nothing(visit: Visit, bank: Bank, waiting: UUID) -> None:
    page = visit("vera")
    page.goto(f"/procedures/{waiting}")
    expect(page.locator("main form")).to_have_count(0)
    page = visit("stan")
    page.goto("/procedures")
    expect(page.locator("main")).to_contain_text("No procedure was started yet")
    assert page.goto(f"/procedures/{waiting}").status == 404  # type: ignore[union-attr]
