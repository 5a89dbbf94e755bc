"""Rollouts in the browser: forecast, start, watch, step in with a reason; who may only look has no buttons."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser import world
from tests.browser.conftest import Bank, MovedClock, Visit
from tests.browser.test_layout import OVERFLOWING, UNNAMED
from tests.served import served

from andon import console
from andon.access import KeyRing
from andon.kernel.config import ProjectSettings, Settings
from andon.kernel.db import Database
from andon.rollouts import RolloutState
from rolling import RolledLine, a_rolled_line

pytestmark = pytest.mark.browser

ONE = "/rollouts/payments/1"


@pytest.fixture
def line(database: Database, tmp_path: Path) -> RolledLine:
    return a_rolled_line(database, tmp_path)


@pytest.fixture
def bank(line: RolledLine) -> Iterator[Bank]:
    """Run the line with its console, in the place of the usual bank."""
    settings, clock = Settings(project=ProjectSettings(name="Test Bank")), MovedClock()
    keys = world.keys_of(line.database, line.now)
    app = console.create_app(settings, line.database, clock, KeyRing(world.PEPPER), line.events)
    with served(app) as address:
        yield Bank(line.database, clock, line.installation.deployment.lines["payments"], keys, [], [], address)


def decide(line: RolledLine, count: int, **more: Any) -> None:
    """Decide beside this thread, which runs the loop of the browser's driver; then let a worker look."""
    with ThreadPoolExecutor(1) as beside:
        beside.submit(lambda: line.decide(count, **more)).result()
    line.watch()


def guardrail(page: Page, name: str) -> Any:
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=name, exact=True))


def test_a_rollout_is_forecast_started_seen_and_aborted_with_a_reason(visit: Visit, line: RolledLine) -> None:
    page = visit("ada")
    page.goto("/automations/payments")
    page.get_by_role("button", name="Start a rollout").or_(page.get_by_role("link", name="Start a rollout")).click()
    expect(page.get_by_role("button", name="Start the rollout")).to_have_count(0)
    page.get_by_label("Version of fraud-risk").select_option("2")
    page.locator("select[name=kind]").select_option("canary")
    page.get_by_label("Steps, %").fill("10, 100")
    page.get_by_label("Decisions per stage").fill("40")
    page.get_by_label("Minutes per stage").fill("0")
    assert (page.evaluate(OVERFLOWING), page.evaluate(UNNAMED)) == ([], [])
    page.get_by_role("button", name="Show the forecast").click()
    expect(page.get_by_role("heading", name="What it takes")).to_be_visible()
    page.get_by_role("button", name="Start the rollout").click()
    expect(page.get_by_role("alert")).to_contain_text("A reason is required")
    expect(page.get_by_label("Steps, %")).to_have_value("10, 100")
    page.get_by_label("Do without cost").check()
    page.get_by_label("Do without expected-error").check()
    page.get_by_label("Do without slow").check()
    page.get_by_label("Reason").fill("trained anew")
    page.get_by_role("button", name="Start the rollout").click()
    expect(page.get_by_role("status").filter(has_text="This is the forecast now")).to_be_visible()
    page.get_by_role("button", name="Start the rollout").click()
    page.wait_for_url(f"{ONE}?done=rollout-started")
    expect(page.locator("ol.track [aria-current]")).to_contain_text("shadow")
    page.get_by_label("Reason").fill("half a th")
    line.installation.deployment.refresh()
    decide(line, 60, shadowed=True)
    expect(page.locator("ol.track [aria-current]")).to_contain_text("10 %")  # by itself, without a reload
    line.breaks(2, 0.2)
    decide(line, 150)
    expect(guardrail(page, "errors").locator("svg.evidence polyline.harm")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("half a th")
    assert (page.evaluate(OVERFLOWING), page.evaluate(UNNAMED)) == ([], [])
    page.get_by_label("Reason").fill("the fraud team asked for it")
    page.get_by_role("button", name="Abort").click()
    expect(page.locator("#standing .notice")).to_contain_text("Aborted at")
    expect(page.locator("#standing .notice")).to_contain_text("by ada: the fraud team asked for it")
    expect(page.get_by_role("button", name="Abort")).to_have_count(0)
    assert line.rollout.state is RolloutState.ABORTED
    assert (line.rollout.started_by, line.rollout.reason, line.rollout.plan.steps) == ("ada", "trained anew", (10, 100))


def test_one_that_was_rolled_back_says_why_and_a_reader_sees_what_is_behind_it_on_a_narrow_screen(
    visit: Visit, line: RolledLine
) -> None:
    line.start(2)
    decide(line, 60, shadowed=True)
    page = visit("vera", width=390)
    expect(page.get_by_role("link", name="rollout: 5 %")).to_be_visible()
    page.get_by_role("link", name="rollout: 5 %").click()
    page.wait_for_url(ONE)
    expect(page.get_by_role("button", name="Abort")).to_have_count(0)
    expect(page.get_by_text("Your key may read it, but not change it.")).to_be_visible()
    for _ in range(6):
        line.breaks(2)
        decide(line, 300)
        if line.rollout.is_over:
            break
    why = page.locator("#standing .notice")
    expect(why).to_contain_text("Rolled back at")
    expect(why).to_contain_text("errors shows harm")
    errors = guardrail(page, "errors")
    expect(errors.locator(".tag")).to_have_text("harm shown")
    assert (page.evaluate(OVERFLOWING), page.evaluate(UNNAMED)) == ([], [])
    errors.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.rpartition("/")[2] in line.states()["errors"].evidence["candidate"]
    for path in ("/rollouts", "/automations/payments"):
        page.goto(path)
        expect(page.get_by_text("rolled back").first).to_be_visible()
        assert (page.evaluate(OVERFLOWING), page.evaluate(UNNAMED)) == ([], []), path
        expect(page.get_by_text("Start a rollout")).to_have_count(0)
