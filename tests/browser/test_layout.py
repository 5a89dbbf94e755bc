"""Every page is readable on small and large screens, in both colour schemes, by keyboard and screen reader."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Bank, Visit
from tests.people import LINE

pytestmark = pytest.mark.browser

OVERFLOWING = """() => [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
        && !e.closest("pre, .scroll"))
    .map(e => `${e.tagName}.${e.className}`).slice(0, 5)"""
UNNAMED = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a")]
    .filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map(e => e.outerHTML)"""
BRIGHTNESS = (
    "() => getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).slice(0, "
    "3).reduce((a, b) => a + +b, 0)"
)


def paths(page: Page, bank: Bank) -> list[str]:
    """Every kind of page there is."""
    page.goto("/reviews")
    review = page.locator("[data-row] a").first.get_attribute("href")
    return [
        "/",
        "/decisions",
        f"/decisions/{bank.decisions[0]}",
        "/reviews",
        str(review),
        "/changes",
        f"/lines/{LINE}/changes",
        f"/lines/{LINE}/history",
        "/endpoints",
        "/endpoints/fraud-risk",
        "/models",
        "/models/fraud-risk/1",
        "/actions",
        f"/actions/{bank.dead[0]}",
        "/audit?decisions=shown",
        "/nowhere",
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_pages_fit_the_screen_and_everything_on_them_has_a_name(
    visit: Visit, bank: Bank, width: int, dark: bool
) -> None:
    page = visit("ada", width=width, dark=dark)
    for path in paths(page, bank):
        page.goto(path)
        assert page.evaluate(OVERFLOWING) == [], path
        assert page.evaluate(UNNAMED) == [], path
        assert (page.evaluate(BRIGHTNESS) < 380) is dark, path
        expect(page.get_by_role("main")).to_have_count(1)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        expect(page.get_by_role("navigation", name="Sections")).to_have_count(1)


def test_the_sections_stand_in_one_row_on_a_laptop(visit: Visit) -> None:
    page = visit("ada", width=1280)
    tops = "all => new Set(all.map(one => Math.round(one.getBoundingClientRect().top))).size"
    assert page.locator("header.bar nav a").evaluate_all(tops) == 1
    bar = page.locator("header.bar").bounding_box()
    assert bar is not None
    assert bar["height"] < 60


def test_focus_is_visible_and_the_first_tab_skips_to_the_content(visit: Visit) -> None:
    page = visit("ada")
    page.goto("/decisions")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Automation")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"


def test_an_unexpected_error_shows_a_reference_and_no_trace(visit: Visit, bank: Bank) -> None:
    page = visit("ada")
    with bank.database.begin() as tx:
        tx.exec_driver_sql("DROP TABLE labels")
    assert (answer := page.goto(f"/decisions/{bank.decisions[0]}")) is not None
    assert answer.status == 500
    expect(page.get_by_role("heading", name="Something failed")).to_be_visible()
    assert "Traceback" not in page.content()
    assert "SELECT" not in page.content()
