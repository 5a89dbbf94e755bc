"""The incidents of one version, wherever it runs: counted by kind, the last in words, each in the log."""

from collections import Counter

import structlog

log = structlog.get_logger(__name__)


class Incidents:
    """The incidents of one version, which `shown` names. The kinds are those of PoolStatus."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._counts: Counter[str] = Counter()
        self.last: str | None = None

    def note(self, kind: str, what: str) -> None:
        """Record an incident; `what` contains no values of a row."""
        self._counts[kind] += 1
        self.last = what
        log.warning("model.incident", model=self._shown, kind=kind, what=what)

    def counts(self) -> dict[str, int]:
        """Return the number of incidents of each kind."""
        return dict(self._counts)
