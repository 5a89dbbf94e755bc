"""The documentation site in a browser: its search works from files, and nothing is asked of a network."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from script.site import build

pytestmark = pytest.mark.browser


def test_the_search_finds_a_page_that_was_opened_as_a_file(chromium: Browser, tmp_path: Path) -> None:
    checkout, scratch = tmp_path / "checkout", tmp_path / "scratch"
    (checkout / "docs").mkdir(parents=True)
    scratch.mkdir()
    (checkout / "README.md").write_text("# Start\n\n[On](docs/README.md)\n", encoding="utf-8")
    (checkout / "docs" / "README.md").write_text("# Levers\n\nA zebra pulls the cord.\n", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", checkout], check=True)
    assert build(checkout, tmp_path / "site", scratch) == []
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "site" / "index.html").as_uri())
    page.locator("[data-md-component=search] button").first.click()
    page.keyboard.type("zebra")
    expect(page.get_by_role("option", name="Levers")).to_contain_text("zebra")
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    page.close()
