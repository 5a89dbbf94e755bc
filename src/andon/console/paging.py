"""Lists that continue where the last page ended: the filters and the cursor are in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

PAGE = 50


@dataclass(frozen=True, slots=True)
class Pager:
    """The links under a list; None where there is nothing to go to."""

    shown: int
    older: str | None
    newest: str | None


def pager(path: str, filters: Mapping[str, str | None], *, shown: int, last: object, before: object) -> Pager:
    """Return the links of a page of `shown` entries, from the cursor `before` down to the cursor `last`."""
    kept = {name: value for name, value in filters.items() if value}
    return Pager(
        shown=shown,
        older=link(path, kept | {"before": str(last)}) if shown == PAGE else None,
        newest=link(path, kept) if before is not None else None,
    )


def link(path: str, values: Mapping[str, str]) -> str:
    """Return a path with a query."""
    return f"{path}?{urlencode(values)}" if values else path
