"""The streams page follows a worker without a reload: events a second and lag; and it fits every screen."""

import asyncio
import copy
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser import serving_world, world
from tests.browser.conftest import Bank, Visit
from tests.browser.test_layout import OVERFLOWING, UNNAMED
from tests.integration.streams.streaming import MEMORY, reading
from tests.people import LINE

from andon.testing import MemorySource
from lines import Installation

pytestmark = pytest.mark.browser

Send = Callable[[int], None]


@contextmanager
def a_worker(bank: Bank, cache: Path) -> Iterator[Send]:
    """Run a process that reads events of the line, in a thread; yield a sender of so many transfers and a bad one."""
    automation = copy.copy(world.screening)
    automation.triggers = (MEMORY,)
    deployment = serving_world.a_deployment(bank.database, cache, bank.clock)
    installation = Installation(bank.database, deployment, bank.clock)  # type: ignore[arg-type]
    source, loop, stack = MemorySource(), asyncio.new_event_loop(), AsyncExitStack()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def send(count: int) -> None:
        for transfer in world.some_transfers(count, seed=count):
            loop.call_soon_threadsafe(lambda body: source.send(body), transfer.model_dump_json().encode())
        loop.call_soon_threadsafe(lambda: source.send(b'{"amount": -1}'))

    entering = stack.enter_async_context(reading(installation, source, automations=[automation]))
    asyncio.run_coroutine_threadsafe(entering, loop).result(30)
    try:
        yield send
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_the_rate_and_the_counts_follow_the_worker_without_a_reload(visit: Visit, bank: Bank, tmp_path: Path) -> None:
    page = visit("otto")
    page.get_by_role("link", name="Streams").click()
    page.wait_for_url("/streams")
    expect(page.get_by_text("No stream has been read yet")).to_be_visible()
    with a_worker(bank, tmp_path / "models") as send:
        row = page.get_by_role("row").filter(has_text="memory:payments")
        expect(row.get_by_text("reading")).to_be_visible(timeout=15_000)
        rate = row.locator('[data-label="Events/s"]')
        expect(rate).to_have_text("0", timeout=15_000)
        send(120)
        expect(rate).to_have_text(re.compile(r"^[1-9]\d*(\.\d+)?$"), timeout=15_000)
        expect(row.locator('[data-label="Decided"]')).to_have_text("120")
        expect(row.locator('[data-label="Dead"]')).to_have_text("1")
        expect(row.locator('[data-label="Behind"]')).to_have_text("0", timeout=15_000)
        row.get_by_role("link").click()
        page.wait_for_url(f"/streams/{LINE}/memory%3Apayments")
        expect(page.locator('td[data-label="Events/s"]')).to_have_text(re.compile(r"^\d"))
        expect(page.get_by_role("definition").nth(0)).to_have_text(re.compile(r"^\d"))
    page.goto("/streams")
    expect(page.get_by_role("row").filter(has_text="memory:payments").locator('[data-label="Events/s"]')).to_have_text(
        "–"
    )


@pytest.mark.parametrize("width", [360, 1280])
def test_streams_fit_the_screen(visit: Visit, bank: Bank, tmp_path: Path, width: int) -> None:
    with a_worker(bank, tmp_path / "models") as send:
        send(60)
        page = visit("otto", width=width)
        page.goto("/streams")
        expect(page.locator('[data-label="Decided"]')).to_have_text("60", timeout=15_000)
        for path in ("/streams", f"/streams/{LINE}/memory:payments"):
            page.goto(path)
            assert page.evaluate(OVERFLOWING) == [], path
            assert page.evaluate(UNNAMED) == [], path
