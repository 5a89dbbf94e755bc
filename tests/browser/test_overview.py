"""The overview is live."""

import os

import pytest
from playwright.sync_api import expect
from tests.browser import world
from tests.browser.conftest import Bank, Visit
from tests.people import LINE

from andon import features
from andon.kernel.events import Events

pytestmark = pytest.mark.browser


def test_figures_and_plots_follow_the_line_without_a_reload(visit: Visit, bank: Bank) -> None:
    page = visit("vera")
    decided = page.locator(".tiles > div").filter(has_text="Decisions").locator("dd").first
    expect(decided).to_have_text("120")
    expect(page.locator("figure.plot canvas")).to_have_count(2)
    expect(page.locator(".tiles > div").filter(has_text="Dead letters").locator("dd").first).to_have_text("2")
    world.decided(bank.database, bank.line, bank.clock, world.some_transfers(30, seed=9))
    expect(decided).to_have_text("150")
    drawn = "Math.max(...document.querySelector('figure.plot').plot.data[1])"
    page.wait_for_function(f"{drawn} >= 6")


@pytest.mark.parametrize("width", [360, 1440])
def test_what_was_not_as_expected_shows_without_a_reload_to_who_may_see_it(
    visit: Visit, bank: Bank, width: int
) -> None:
    page, stranger = visit("vera", width=width), visit("stan", width=width)
    section = page.get_by_label("Not as expected")
    expect(section).to_have_count(0)
    with bank.database.begin() as tx:
        features.tell(tx, Events(), {(LINE, "amount_sum_24h"): 1234}, bank.clock.now())
    expect(section).to_contain_text("amount_sum_24h")
    expect(section).to_contain_text("1,234")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    stranger.reload()
    expect(stranger.get_by_label("Not as expected")).to_have_count(0)
    if shots := os.environ.get("ANDON_TEST_SHOTS"):
        page.screenshot(path=f"{shots}/overview-{width}.png", full_page=True)


def test_what_goes_stale_says_so(visit: Visit) -> None:
    page = visit("vera")
    page.route("**/live", lambda route: route.abort())
    expect(page.get_by_text("these figures are old")).to_be_visible()
    page.unroute("**/live")
    expect(page.get_by_text("these figures are old")).to_be_hidden()
    assert all("Failed to fetch" in complaint for complaint in visit.complaints)
    visit.complaints.clear()
