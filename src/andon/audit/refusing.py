"""Rows that a process refuses because the audit log contradicts them: logged once each, counted for the metrics."""

from collections import Counter
from collections.abc import Mapping
from threading import Lock

import structlog

from andon.audit.rows import RowKind
from andon.kernel.errors import Unavailable

log = structlog.get_logger(__name__)


class RowsDoubted(Unavailable):
    """The state in force does not match the audit log."""


class _Refusals:
    """Rows that this process refuses now, by kind."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_place: dict[tuple[str, str], frozenset[str]] = {}

    def tell(self, kind: RowKind, scope: str, doubted: Mapping[tuple[str, ...], str]) -> None:
        names = {str(kind.row(*key)): why for key, why in doubted.items()}
        with self._lock:
            known = self._by_place.get((kind.name, scope), frozenset())
            self._by_place[kind.name, scope] = frozenset(names)
        for name in sorted(names.keys() - known):
            log.error("audit.row_refused", row=name, table=kind.table, why=names[name])

    def counts(self) -> Counter[str]:
        with self._lock:
            found: Counter[str] = Counter()
            for (kind, _), names in self._by_place.items():
                found[kind] += len(names)
            return found


_refusals = _Refusals()


def tell_refused(kind: RowKind, doubted: Mapping[tuple[str, ...], str], *, scope: str = "") -> None:
    """Log each row that is refused now and was not before. `scope` says which rows of the kind were looked at."""
    _refusals.tell(kind, scope, doubted)


def refused_rows() -> Mapping[str, int]:
    """Return the number of rows that this process refuses now, by kind."""
    return _refusals.counts()
