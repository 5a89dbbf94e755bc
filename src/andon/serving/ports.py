"""The interface of a runtime."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from andon.runtimes import Matrix
from andon.runtimes import Predictor as Predictor


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """The status of a version's backend. `incidents` counts by kind: crashed, timed_out, leaked, unloadable, failed."""

    ready: int = 0
    """Processes (or connections) that can take a batch or are at work on one."""
    starting: int = 0
    busy: int = 0
    queued: int = 0
    """Batches that wait for a free process."""
    restarts: int = 0
    incidents: Mapping[str, int] = field(default_factory=dict)
    last_incident: str | None = None
    cold_start_seconds: float | None = None
    """The duration of the last start, from nothing to warm."""
    cpu_seconds: float = 0.0
    """CPU time spent predicting since the start, over all processes there were."""
    gpu_seconds: float = 0.0
    """GPU time spent predicting since the start: how long batches took, on each GPU that their process computes on."""
    rss_bytes: int = 0
    """Resident memory of the processes that live."""
    breaker: str = "closed"
    """closed, open or half_open."""


class PatientPredictor(Predictor, Protocol):
    """A model outside this process: in its own processes, or on another server. Predicting is awaited.

    `predict` blocks, for commands and replay; a gateway uses `predict_soon`.
    """

    @property
    def capacity(self) -> int:
        """The number of batches that may usefully be under way at the same time now."""
        ...

    @property
    def cpu_seconds(self) -> float:
        """CPU time that predicting took since the start, as far as it is known; cheap to ask."""
        ...

    @property
    def gpu_seconds(self) -> float:
        """The same of GPU time."""
        ...

    async def predict_soon(self, matrix: Matrix, *, within: float) -> Matrix:
        """Return raw probabilities [rows, classes] within `within` seconds.

        Raises PredictionFailed, PredictionTimedOut, EndpointBusy.
        """
        ...

    async def start(self) -> None:
        """Bring up what predicting needs, warm. Raises EndpointUnavailable."""
        ...

    async def close(self) -> None:
        """End what was begun; what is under way is finished first."""
        ...

    def status(self) -> PoolStatus:
        """Return its present status."""
        ...
