"""The check of a built site: each link leads to an existing file and anchor, and nothing loads from another host."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")}
FOLLOWED = {*LOADED, ("a", "href")}
MADE_FOR_SERVERS = ("404.html",)
"""Pages whose links begin at the root of a server."""


@dataclass(frozen=True)
class Fault:
    """A reference on a page, and what is wrong with it."""

    page: str
    reference: str
    reason: str


@dataclass
class Anatomy(HTMLParser):
    """The anchors of a page and its references, each with whether a browser loads it by itself."""

    anchors: set[str] = field(default_factory=set)
    references: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element defines and what it refers to."""
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif (tag, name) in FOLLOWED and value:
                self.references.append((value, (tag, name) in LOADED))


def faults_of(folder: Path) -> list[Fault]:
    """Return the faults of all pages, in the order of the pages."""
    pages = {page.resolve(): _anatomy(page) for page in sorted(folder.rglob("*.html"))}
    return [
        Fault(page.relative_to(folder.resolve()).as_posix(), reference, reason)
        for page, anatomy in pages.items()
        if page.name not in MADE_FOR_SERVERS
        for reference, reason in _faults(page, anatomy, pages)
    ]


def _faults(page: Path, anatomy: Anatomy, pages: dict[Path, Anatomy]) -> Iterator[tuple[str, str]]:
    for reference, loaded in anatomy.references:
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc:
            if loaded and parts.scheme != "data":
                yield reference, "is loaded from another host"
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target.is_file():
            yield reference, "no such page or file"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield reference, "no such anchor"


def _anatomy(page: Path) -> Anatomy:
    anatomy = Anatomy()
    anatomy.feed(page.read_text(encoding="utf-8"))
    return anatomy
