"""Traces of commits, recorded before the metrics."""

from collections.abc import Sequence

from andon.bootstrap.spans import tell_commit, tell_stages
from andon.decisions import BatchReport, BatchWatcher


class CommitTraces:
    """Records one span for each batch, linked to its requests, and their stages; then calls the next watcher."""

    def __init__(self, then: BatchWatcher) -> None:
        self._then = then

    def batch(self, reports: Sequence[BatchReport]) -> None:
        """Record a committed batch."""
        tell_commit(reports)
        for report in reports:
            tell_stages(report)
        self._then.batch(reports)

    def failed(self, transient: bool, requests: int) -> None:
        """Pass on a failed batch; each request's own span records the failure."""
        self._then.failed(transient, requests)

    def expired(self, automation: str, requests: int) -> None:
        """Ignore expired requests; each request's own span records it."""
        self._then.expired(automation, requests)

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        """Ignore shadows, which are in no trace."""
        self._then.shadowed(automation, run, dropped)
