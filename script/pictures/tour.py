"""A walk through the console by its own links, until each page that the code has was seen once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from re import Pattern
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import Route, compile_path

from andon.console import create_app
from andon.kernel.config import Settings
from andon.kernel.db import Database

NOT_PAGES = ("/live", "/static", "/readyz", "/sign-in", "/{path")
"""Parts of pages, files, what a probe asks, and the page before all others."""


@dataclass(frozen=True)
class PageKind:
    """A page as the code has it: its path with parameters, and what matches an address of it."""

    path: str
    pattern: Pattern[str]

    @property
    def name(self) -> str:
        """The path as the name of a file."""
        return (
            self.path.strip("/").replace("/", "-").replace("{", "").replace("}", "").replace(":path", "") or "overview"
        )


@dataclass
class Tour:
    """Which pages are still to be seen, where one of each was found, and further links to look for pages behind.

    `leads` are tabs and filters of pages that were seen, each with whether it was followed.
    """

    kinds: Sequence[PageKind]
    found: dict[PageKind, str] = field(default_factory=dict)
    seen: set[PageKind] = field(default_factory=set)
    leads: dict[str, bool] = field(default_factory=dict)

    def offer(self, links: Sequence[str]) -> None:
        """Keep the first address of each kind of page among the links of a page."""
        for link in links:
            path = urlsplit(link).path
            kind = next((kind for kind in self.kinds if kind.pattern.match(path)), None)
            if kind is not None and self.found.setdefault(kind, link) != link and "{" not in kind.path:
                self.leads.setdefault(link, False)

    def lead(self) -> str | None:
        """Return the next link to look behind; None when all pages were found or all links were followed."""
        link = next((link for link, followed in self.leads.items() if not followed), None)
        if link is None or len(self.found) == len(self.kinds):
            return None
        self.leads[link] = True
        return link

    def stops(self) -> Iterator[tuple[PageKind, str]]:
        """Yield page after page, also those that are offered on the way."""
        while rest := [kind for kind in self.found if kind not in self.seen]:
            self.seen.add(rest[0])
            yield rest[0], self.found[rest[0]]

    def missed(self) -> list[str]:
        """Return the paths of the pages to which no link led."""
        return [kind.path for kind in self.kinds if kind not in self.seen]


def page_kinds() -> list[PageKind]:
    """Return every page of the console that a person opens, in the order in which the console looks for a path."""
    return [
        PageKind(route.path, compile_path(route.path)[0])
        for route in console_routes()
        if "GET" in (route.methods or ()) and not route.path.startswith(NOT_PAGES)
    ]


def console_routes() -> list[Route]:
    """Return the routes of the console, of an application that is only looked at."""
    nothing: Any = None
    nowhere = Database("postgresql://127.0.0.1:1/nowhere")
    app = create_app(Settings(), nowhere, nothing, nothing, nothing)
    nowhere.close()
    return [route for route in app.routes if isinstance(route, Route)]
