"""An alert as a person meets it: a badge, a page with two distributions, the pulled cord, and its release."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Bank, Visit
from tests.people import LINE

from alarming import a_breach, all_events, breached
from andon import alerts
from andon.kernel.identity import Actor
from andon.monitors import Level

pytestmark = pytest.mark.browser

OLGA = Actor("olga")
SEGMENT = {"country": "FR"}


def drifted(bank: Bank) -> None:
    """Amounts from France have moved, and a rule for that is there."""
    events, now = all_events(), bank.clock.now()
    with bank.database.begin() as tx:
        alerts.add_rule(
            tx,
            LINE,
            monitor="drift",
            level="warning",
            state="supervised",
            segment=True,
            actor=OLGA,
            reason="after the incident of May",
            now=now,
        )
    labels = [*(f"{edge} to {edge + 50}" for edge in range(0, 1000, 50)), "missing", "infinite"]
    expected = [2, 9, 18, 25, 27, 24, 20, 16, 12, 9, 7, 5, 4, 3, 2, 2, 1, 1, 1, 1, 0, 0]
    observed = [1, 3, 7, 11, 15, 18, 21, 22, 21, 18, 15, 12, 9, 7, 5, 4, 3, 2, 2, 2, 1, 0]
    found = {
        "automation": LINE,
        "segment": SEGMENT,
        "level": Level.CRITICAL,
        "detail": {"labels": labels, "reference": expected, "current": observed},
    }
    breached(bank.database, events, now, **found)
    with bank.database.begin() as tx:
        events.publish(tx, a_breach(now + timedelta(seconds=1), automation=LINE, series="country"))


def test_an_operator_sees_what_changed_and_an_admin_releases_the_cord(visit: Visit, bank: Bank, tmp_path: Path) -> None:
    drifted(bank)
    page = visit("otto")
    badge = page.get_by_role("navigation", name="Sections").get_by_title("Open alerts that nobody has acknowledged")
    expect(badge).to_have_text("2")
    page.get_by_role("link", name="Alerts").click()
    expect(page.locator("[data-row]")).to_have_count(2)
    page.get_by_role("link", name="drift of amount").click()
    expect(page.get_by_role("img", name="Expected and observed shares")).to_be_visible()
    expect(page.locator("svg.bars rect.observed")).to_have_count(22)
    expect(page.get_by_text("The cord was pulled: country=FR is supervised")).to_be_visible()
    page.screenshot(path=tmp_path / "alert.png", full_page=True)
    page.get_by_role("link", name="Its decisions").click()
    rows = page.locator("[data-row]").count()
    assert 0 < rows < 50
    page.go_back()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("status")).to_contain_text("The alert is yours")
    expect(badge).to_have_text("1")
    page.get_by_role("link", name="open it").click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    page.screenshot(path=tmp_path / "incident.png", full_page=True)
    page = visit("ada")
    page.goto(f"/lines/{LINE}")
    page.screenshot(path=tmp_path / "line.png", full_page=True)
    card = page.locator("section", has=page.get_by_role("heading", name="Release country = FR"))
    card.get_by_label("Reason").fill("a new partner, known")
    card.get_by_role("button", name="Release the cord").click()
    expect(page.get_by_role("alert")).to_contain_text("The alert is still open")
    card.get_by_label("Release even if its alert is still open").check()
    card.get_by_label("Reason").fill("a new partner, known")
    card.get_by_role("button", name="Release the cord").click()
    expect(page.get_by_role("status")).to_contain_text("The cord is released")


@pytest.mark.parametrize("place", ["/alerts", "/alerts?state=all", "/alerts/silences", "/incidents"])
def test_pages_fit_a_narrow_window(visit: Visit, bank: Bank, place: str) -> None:
    drifted(bank)
    page = visit("ada", width=390)
    page.goto(place)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
