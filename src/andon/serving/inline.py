"""Health of a model that runs on the caller's thread, and its circuit breaker.

It cannot be stopped there. A late answer is used, but counts as a failure: a slow model, which blocks everything else
in its process, is skipped like one that raises.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from andon.serving.breaker import VersionBreaker
from andon.serving.errors import EndpointBusy, PredictionFailed
from andon.serving.incidents import Incidents
from andon.serving.ports import PoolStatus

T = TypeVar("T")


class InlineWatch:
    """Watches the predictions of one version. `timeout` is in seconds, for a batch."""

    def __init__(self, shown: str, timeout: float) -> None:
        self._shown = shown
        self._timeout = timeout
        self._breaker = VersionBreaker()
        self._incidents = Incidents(shown)

    def prediction(self, predict: Callable[[], T]) -> T:
        """Predict one batch. Raises EndpointBusy if the breaker is open; lets PredictionFailed pass."""
        began = time.monotonic()
        if not self._breaker.admit(began):
            after = self._breaker.retry_after(began)
            raise EndpointBusy(
                f"{self._shown} failed repeatedly and is tried again in {after:.1f} s; last failure: "
                f"{self._incidents.last}",
                retry_after=after,
            )
        try:
            predicted = predict()
        except PredictionFailed as error:
            self._fail("failed", str(error))
            raise
        took = time.monotonic() - began
        if took > self._timeout:
            self._fail("timed_out", f"{self._shown} took {took:.1f} s, more than {self._timeout:g} s")
        else:
            self._breaker.succeed()
        return predicted

    def status(self) -> PoolStatus:
        """Return the incidents and the state of the breaker."""
        incidents = self._incidents
        return PoolStatus(incidents=incidents.counts(), last_incident=incidents.last, breaker=self._breaker.state)

    def _fail(self, kind: str, problem: str) -> None:
        self._incidents.note(kind, problem)
        self._breaker.fail(time.monotonic())
