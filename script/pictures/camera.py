"""Chromium at the console: signs in, follows the tour, and takes a picture of each page at each width."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from script.pictures.tour import Tour

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = {1280: 900, 390: 844}
"""Width -> height of the window in pixels; a picture is as long as its page."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class NoChromium(Exception):
    """No Chromium was found. On Debian and Ubuntu, `apt-get install chromium` installs it."""


@dataclass(frozen=True)
class Picture:
    """A file, the page on it, and by how many pixels that page is wider than the window."""

    file: Path
    address: str
    wider: int


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the Chromium of this machine, and end it. Raises NoChromium."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise NoChromium(NoChromium.__doc__)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def take(browser: Browser, address: str, key: str, tour: Tour, folder: Path) -> Iterator[Picture]:
    """Take a picture of each page of `tour` at each width, signed in to the console at `address` with `key`."""
    page = browser.new_page(base_url=address)
    page.goto("/sign-in")
    yield from _photographed(page, folder, "sign-in")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("/")
    tour.offer(["/"])
    while True:
        for kind, link in tour.stops():
            _visit(page, link, tour)
            yield from _photographed(page, folder, kind.name)
        if (lead := tour.lead()) is None:
            break
        _visit(page, lead, tour)


def _visit(page: Page, link: str, tour: Tour) -> None:
    """Go to a page and offer its links to the tour; those that only add a query begin with its path."""
    page.goto(link)
    tour.offer(page.eval_on_selector_all("a[href]", "all => all.map(one => one.pathname + one.search)"))


def _photographed(page: Page, folder: Path, name: str) -> Iterator[Picture]:
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.reload()  # plots are drawn for the window in which a page is opened
        file = folder / f"{name}-{width}.png"
        page.screenshot(path=file, full_page=True)
        yield Picture(file, page.url, int(page.evaluate(WIDER)))
