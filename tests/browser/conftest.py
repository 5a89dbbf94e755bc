"""A bank with a console that runs, and browsers that look at it as one of its people."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.browser import world
from tests.served import served

from andon import console, labels
from andon.access import KeyRing
from andon.decisions import Line
from andon.kernel.config import ProjectSettings, Settings
from andon.kernel.db import Database
from andon.kernel.events import Events

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass
class MovedClock:
    """The real time, moved by hand."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Bank:
    """What a test may look at and change behind the console's back."""

    database: Database
    clock: MovedClock
    line: Line
    keys: dict[str, str]
    decisions: list[UUID]
    dead: list[UUID]
    address: str


@dataclass
class Visit:
    """Pages of one test; what any of them complained about."""

    browser: Browser
    bank: Bank
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __call__(self, name: str | None = None, *, width: int = 1440, dark: bool = False) -> Page:
        """Return a new browser's page, signed in as `name` and on the overview, or at the sign-in form."""
        scheme = "dark" if dark else "light"
        viewport = {"width": width, "height": 900}
        context = self.browser.new_context(viewport=viewport, color_scheme=scheme, base_url=self.bank.address)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto("/sign-in")
        if name is not None:
            page.get_by_label("API key").fill(self.bank.keys[name])
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("/")
        return page

    def _note(self, kind: str, text: str) -> None:
        """Errors and warnings; a refused page is shown on purpose, and the browser says so too."""
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(text)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.a_package(tmp_path_factory.mktemp("model") / "package")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("needs Chromium: `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def bank(database: Database, package: Path, tmp_path: Path) -> Iterator[Bank]:
    """Run a line that decided 120 transfers in the last two minutes, with waiting reviews and two dead letters."""
    clock = MovedClock(-timedelta(minutes=2))
    version = world.registered(database, package, now=clock.now(), reason="first version")
    line = world.the_line(database, version, tmp_path / "models", clock)
    ids = world.decided(database, line, clock, world.some_transfers(120))
    clock.ahead = timedelta()
    world.opened(database, clock.now())
    dead = world.killed(database, now=clock.now(), keep=2)
    keys = world.keys_of(database, clock.now())
    events = Events()
    labels.subscribe(events)
    settings = Settings(project=ProjectSettings(name="Test Bank"))
    with served(console.create_app(settings, database, clock, KeyRing(world.PEPPER), events)) as address:
        yield Bank(database, clock, line, keys, ids, dead, address)


@pytest.fixture
def visit(chromium: Browser, bank: Bank) -> Iterator[Visit]:
    """Open pages; at the end none of them may have reported errors (a violated content policy is one)."""
    visit = Visit(chromium, bank)
    yield visit
    for context in visit.contexts:
        context.close()
    assert visit.complaints == []
