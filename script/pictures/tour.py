"""A walk through the console by its own links, until each page in the code was seen once."""

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
"""Fragments, files, probes, and the sign-in page."""


@dataclass(frozen=True)
class PageKind:
    """A page in the code: its path with parameters, and the pattern of its addresses."""

    path: str
    pattern: Pattern[str]

    @property
    def name(self) -> str:
        """The path as a file name."""
        return (
            self.path.strip("/").replace("/", "-").replace("{", "").replace("}", "").replace(":path", "") or "overview"
        )


@dataclass
class Tour:
    """The pages still to be seen, where one of each was found, and further links that may lead to pages.

    `leads` are tabs and filters of seen pages, each with whether it was followed.
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
        """Return the next link to follow; None when all pages were found or all links were followed."""
        link = next((link for link, followed in self.leads.items() if not followed), None)
        if link is None or len(self.found) == len(self.kinds):
            return None
        self.leads[link] = True
        return link

    def stops(self) -> Iterator[tuple[PageKind, str]]:
        """Yield page after page, including those offered on the way."""
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
    """Return the routes of the console, from an application that is only inspected."""
    nothing: Any = None
    nowhere = Database("postgresql://127.0.0.1:1/nowhere")
    app = create_app(Settings(), nowhere, nothing, nothing, nothing)
    nowhere.close()
    return [route for route in app.routes if isinstance(route, Route)]
