"""The API page in a browser: it sends a request with a key and shows the answer, under a strict content policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from andon.kernel.db import Database
from lines import ADMIN, Installation, install
from listening import listening

pytestmark = pytest.mark.browser


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def admin(installation: Installation) -> str:
    return installation.key("ada", ADMIN)


@pytest.fixture
def gateway(installation: Installation, admin: str) -> Iterator[str]:
    """One that knows the key."""
    with listening(installation) as url:
        yield url


def test_a_request_is_sent_with_a_key_and_its_answer_is_shown(chromium: Browser, gateway: str, admin: str) -> None:
    context = chromium.new_context(base_url=gateway, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_label("auth-bearer-value").fill(admin)
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").click()
    page.locator("#tag-automations, [data-tag=automations]").first.click()
    route = page.locator("#operations-automations-list_automations")
    route.locator(".opblock-summary-control").click()
    route.get_by_role("button", name="Execute").click()
    expect(route.locator(".live-responses-table tbody .response-col_status")).to_have_text("200")
    expect(route.locator(".live-responses-table .highlight-code").first).to_contain_text("fraud-risk")
    context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((gateway, "data:", "blob:"))] == []
