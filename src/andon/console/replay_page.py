"""The report of a replay as one page styled like the console, without other files."""

from pathlib import Path

from markupsafe import Markup

from andon.console.rendering import Pages
from andon.replays import ReplayReport

_STATIC = Path(__file__).parent / "static"
_STYLES = ("vendor/pico.min.css", "andon.css")


def replay_page(report: ReplayReport, project: str) -> str:
    """Render the page. Its styles are in it, and it has no scripts."""
    read = "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in _STYLES)
    styles = Markup(read)  # noqa: S704 - style sheets of this package, not input
    return Pages(project).text("replay_page.html", report=report, styles=styles, links=False)
