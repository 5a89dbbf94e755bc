"""The reference pages: each has a hand-written introduction, and a part generated from the code."""

from collections.abc import Callable
from pathlib import Path

from script.pages import api, cli, connectors, decisions, errors, events, metrics, settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
BEGIN = "<!-- written by script/reference from the code; change it there -->\n"
END = "<!-- end of what script/reference writes -->\n"

PAGES: dict[str, Callable[[], str]] = {
    "api": api.body,
    "cli": cli.body,
    "connectors": connectors.body,
    "decisions": decisions.body,
    "errors": errors.body,
    "events": events.body,
    "metrics": metrics.body,
    "settings": settings.body,
}
"""The name of each page, and the function that returns its generated part."""


def renewed(page: str) -> str:
    """Return a page as it should be: hand-written text around the generated part."""
    before, _, rest = (FOLDER / f"{page}.md").read_text(encoding="utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    assert found, f"docs/reference/{page}.md has lost its markers"
    return f"{before}{BEGIN}\n{PAGES[page]()}\n{END}{after}"
