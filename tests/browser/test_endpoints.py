"""Endpoints: their versions, speed and cost, live; and a split that is changed in the page and takes effect."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.arms import shares_of
from tests.browser import serving_world, world
from tests.browser.conftest import Bank, Visit
from tests.browser.serving_world import decided_and_told
from tests.browser.test_layout import OVERFLOWING, UNNAMED
from tests.people import LINE

from andon import audit, serving
from andon.decisions import Deployment
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.live import Pool
from andon.serving import Candidate

pytestmark = pytest.mark.browser

PAGE = "/endpoints/fraud-risk"
FORCE = f"/automations/{LINE}"


@pytest.fixture
def deployment(bank: Bank, tmp_path: Path) -> Deployment:
    """Return a deployment of the bank with three model versions, a gateway that decides and reports, and a budget."""
    serving_world.more_versions(bank.database, tmp_path / "more", bank.clock.now())
    serving_world.spent(bank.database, bank.clock.now(), seconds=850)
    return serving_world.a_deployment(bank.database, tmp_path / "models", bank.clock)


def split(bank: Bank, shares: dict[int, float], *, shadows: tuple[int, ...] = (), reason: str = "try it") -> None:
    """As somebody else does it."""
    with bank.database.begin() as tx:
        serving.set_split(
            tx,
            LINE,
            "fraud-risk",
            shares=shares_of(shares),
            shadows=list(map(Candidate, shadows)),
            actor=Actor("olga"),
            reason=reason,
            now=bank.clock.now(),
            events=Events(),
        )


def tile(page: Page, name: str) -> Locator:
    return page.locator(".tiles > div").filter(has_text=name).locator("dd").first


def test_a_split_made_in_the_page_is_what_the_gateway_does(visit: Visit, bank: Bank, deployment: Deployment) -> None:
    page = visit("otto")
    page.get_by_role("link", name="Endpoints").click()
    page.wait_for_url("/endpoints")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(PAGE)
    page.locator("#arms").get_by_role("link", name=LINE).click()
    page.wait_for_url(FORCE)
    page.get_by_label("Percent for version 2").fill("40")
    page.get_by_label("Version 3 as a shadow").check()
    page.get_by_label("Reason").fill("the second looks better on paper")
    page.get_by_role("button", name="Split the traffic").click()
    expect(page.get_by_role("status").filter(has_text="The traffic is split")).to_be_visible()
    history = page.get_by_role("row").filter(has_text="the second looks better on paper")
    expect(history).to_contain_text("otto")
    shadow = page.locator("section").filter(has=page.get_by_role("heading", name="Shadows"))
    expect(shadow.get_by_role("row").filter(has_text="Version 3")).to_be_visible()
    page.goto(PAGE)
    expect(page.locator("#arms .shares")).to_contain_text("version 1: 60 %")
    expect(page.locator("#arms .shares")).to_contain_text("version 2: 40 %")
    deployment.refresh()  # what a gateway does when it hears of the change
    decided_and_told(bank.database, deployment, bank.clock, world.some_transfers(150, seed=5))
    second = page.locator("#arms tr.group").filter(has_text="Version 2")
    expect(second).to_contain_text("% of the decisions")
    seen = float(re.findall(r"([\d.]+) % of the decisions", second.inner_text())[0])
    assert 15 < seen < 65
    with bank.database.begin() as tx:
        holding = serving.split_of(tx, LINE, "fraud-risk")
        entry = audit.page(tx, action="split.set")[0]
    assert (holding.shares, holding.shadows, holding.set_by) == (shares_of({2: 40.0}), (Candidate(3),), "otto")
    assert (entry.reason, entry.leaf.actor) == ("the second looks better on paper", "otto")


def test_figures_follow_the_gateway_without_a_reload(visit: Visit, bank: Bank, deployment: Deployment) -> None:
    page = visit("otto")
    page.goto(PAGE)
    expect(page.get_by_text("No gateway is running")).to_be_visible()
    expect(tile(page, "Latency p99")).to_have_text("–")
    pools = [Pool("fraud-risk", 1, serving_world.TROUBLED)]
    decided_and_told(bank.database, deployment, bank.clock, world.some_transfers(90, seed=6), pools=pools)
    expect(tile(page, "Throughput")).to_have_text("1.5 /s")
    expect(tile(page, "Latency p99")).to_contain_text("ms")
    expect(tile(page, "Waiting")).to_have_text("15")
    expect(tile(page, "Budget used")).to_have_text("85.0 %")
    expect(page.locator("#running")).to_contain_text("crashed 1")
    expect(page.locator("#running")).to_contain_text("half open")
    expect(page.get_by_role("row").filter(has_text="bank-1")).to_contain_text("142 MB")
    expect(page.locator("#arms tr").filter(has_text="predict")).to_contain_text("ms")
    expect(page.locator("figure.plot canvas")).to_have_count(2)
    page.wait_for_function("Math.max(...document.querySelector('figure.plot').plot.data[1]) >= 6")
    bank.clock.ahead = 2 * bank.clock.ahead + serving_world.live.GONE_AFTER * 2
    expect(page.get_by_text("No gateway is running")).to_be_visible()


def test_the_list_keeps_the_row_that_was_chosen_while_it_is_renewed(
    visit: Visit, bank: Bank, deployment: Deployment
) -> None:
    page = visit("vera")
    page.goto("/endpoints")
    row = page.get_by_role("row").filter(has_text="fraud-risk")
    expect(row).to_contain_text(LINE)
    expect(row).to_contain_text("85.0 %")
    page.keyboard.press("j")
    expect(row.get_by_role("link", name="fraud-risk")).to_be_focused()
    decided_and_told(bank.database, deployment, bank.clock, world.some_transfers(60, seed=6))
    expect(row.locator('[data-label="Decisions/s"]')).to_have_text("1")
    expect(row.get_by_role("link", name="fraud-risk")).to_be_focused()


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    visit: Visit, bank: Bank, deployment: Deployment
) -> None:
    page = visit("otto")
    page.goto(FORCE)
    page.get_by_label("Percent for version 2").fill("a lot")
    page.get_by_label("Percent for version 3").fill("7")
    page.get_by_label("Reason").fill("why not")
    page.get_by_role("button", name="Split the traffic").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    wrong = page.get_by_label("Percent for version 2")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_accessible_description("A share is a percentage")
    expect(wrong).to_have_value("a lot")
    expect(page.get_by_label("Reason")).to_have_value("why not")
    wrong.fill("99")
    page.get_by_label("Version 3 as a shadow").check()
    page.get_by_role("button", name="Split the traffic").click()
    expect(page.get_by_text("The shares add up to 106 percent")).to_be_visible()
    expect(page.get_by_text("Version 3 cannot both answer and run as a shadow")).to_be_visible()
    with bank.database.begin() as tx:
        assert serving.split_of(tx, LINE, "fraud-risk").number == 0


def test_a_split_that_somebody_else_made_meanwhile_is_not_overwritten(
    visit: Visit, bank: Bank, deployment: Deployment
) -> None:
    page = visit("otto")
    page.goto(FORCE)
    split(bank, {3: 10}, reason="olga was faster")
    page.get_by_label("Percent for version 2").fill("5")
    page.get_by_label("Reason").fill("mine")
    page.get_by_role("button", name="Split the traffic").click()
    expect(page.get_by_role("alert")).to_contain_text("changed in the meantime, by olga: olga was faster")
    with bank.database.begin() as tx:
        assert serving.split_of(tx, LINE, "fraud-risk").shares == shares_of({3: 10.0})


def test_a_viewer_sees_no_form_and_a_stranger_no_endpoint(visit: Visit, deployment: Deployment) -> None:
    viewer = visit("vera")
    viewer.goto(FORCE)
    expect(viewer.get_by_role("button", name="Split the traffic")).to_have_count(0)
    expect(viewer.get_by_text("Your key may read this, but not change it")).to_be_visible()
    stranger = visit("stan")
    stranger.goto("/endpoints")
    expect(stranger.get_by_text("No automation that you may see is deployed")).to_be_visible()
    assert (answer := stranger.goto(PAGE)) is not None
    assert answer.status == 404


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_full_page_fits_the_screen_and_everything_on_it_has_a_name(
    visit: Visit, bank: Bank, deployment: Deployment, width: int, dark: bool
) -> None:
    split(bank, {2: 12.5}, shadows=(3,))
    deployment.refresh()
    pools = [Pool("fraud-risk", 2, serving_world.TROUBLED)]
    decided_and_told(bank.database, deployment, bank.clock, world.some_transfers(200, seed=7), pools=pools)
    page = visit("otto", width=width, dark=dark)
    for path in ("/endpoints", PAGE, FORCE):
        page.goto(path)
        expect(page.get_by_text("version 2: 12.5 %").first).to_be_visible()
        assert page.evaluate(OVERFLOWING) == [], path
        assert page.evaluate(UNNAMED) == [], path
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("cell", name="version 2: 12.5 %, the rest to the champion")).to_be_visible()
