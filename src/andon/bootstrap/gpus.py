"""Utilization of this machine's NVIDIA GPUs, by NVML. Nothing is shown without a GPU or the extra `gpu`."""

import ctypes
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import structlog

from andon.kernel.metrics import Metrics, Readings
from andon.serving import no_gpus

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two checks of which processes compute on a GPU."""


class Nvml(Protocol):
    """The part of the module `pynvml` that is used here."""

    NVMLError: type[Exception]

    def nvmlInit(self) -> None:  # noqa: N802 - the library's name
        """Connect to the driver. Raises NVMLError."""
        ...

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - the library's name
        """Return the number of GPUs."""
        ...

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:  # noqa: N802 - the library's name
        """Return the handle that the other calls take."""
        ...

    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Any:  # noqa: N802 - the library's name
        """Return the recent utilization; `gpu` is the percentage of time in which it computed."""
        ...

    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any:  # noqa: N802 - the library's name
        """Return `used` and `total`, in bytes."""
        ...

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Any) -> Any:  # noqa: N802 - the library's name
        """Return the processes that compute on it, each with its `pid`."""
        ...


DRIVER = "libnvidia-ml.so.1"
"""The library of NVIDIA's driver, which `pynvml` needs."""


def find_nvml(driver: str = DRIVER) -> Nvml | None:
    """Return the library, if it and a driver are installed; without a driver it would only use memory."""
    try:
        ctypes.CDLL(driver)
        import pynvml
    except (OSError, ImportError):
        return None
    found: Nvml = pynvml
    return found


def _handles(library: Nvml) -> list[Any]:
    """Return every GPU that the library finds; none without a driver."""
    try:
        library.nvmlInit()
        return [library.nvmlDeviceGetHandleByIndex(index) for index in range(library.nvmlDeviceGetCount())]
    except library.NVMLError as error:
        log.info("gpus.none", error=type(error).__name__)
        return []


class Computing:
    """The number of GPUs on which a process computes, checked once a second at most."""

    def __init__(self, library: Nvml, gpus: Sequence[Any], *, now: Callable[[], float] = time.monotonic) -> None:
        self._library, self._gpus, self._now = library, gpus, now
        self._seen: Counter[int] = Counter()
        self._looked_at: float | None = None

    def __call__(self, pid: int) -> int:
        """Return the number of GPUs for a process."""
        now = self._now()
        if self._looked_at is None or now - self._looked_at >= EVERY:
            self._looked_at = now
            self._seen = Counter(pid for gpu in self._gpus for pid in self._pids_on(gpu))
        return self._seen[pid]

    def _pids_on(self, gpu: Any) -> set[int]:
        try:
            return {one.pid for one in self._library.nvmlDeviceGetComputeRunningProcesses(gpu)}
        except self._library.NVMLError as error:
            log.warning("gpus.no_answer", error=type(error).__name__)
            return set()


def gpus_of(library: Nvml | None) -> Callable[[int], int]:
    """Return a function that counts the GPUs on which a process computes."""
    gpus = [] if library is None else _handles(library)
    return no_gpus if library is None or not gpus else Computing(library, gpus)


@cache
def gpus_here() -> Callable[[int], int]:
    """Return the function of `gpus_of` for the GPUs of this machine."""
    return gpus_of(find_nvml())


def watch_gpus(metrics: Metrics, library: Nvml | None) -> None:
    """Show each GPU that the library finds, by its index."""
    gpus = [] if library is None else _handles(library)
    if library is None or not gpus:
        return

    def of_each(value: Callable[[Any], float]) -> Callable[[], Readings]:
        """Return a reader of one value per GPU; a GPU that does not answer (it fell off the bus) is omitted."""

        def read() -> Readings:
            for index, gpu in enumerate(gpus):
                try:
                    yield (str(index),), value(gpu)
                except library.NVMLError as error:
                    log.warning("gpus.no_answer", gpu=index, error=type(error).__name__)

        return read

    metrics.gauges_of(
        "andon_gpu_utilization_ratio",
        "Recent share of time in which a GPU of this machine was computing, 0 to 1.",
        of_each(lambda gpu: library.nvmlDeviceGetUtilizationRates(gpu).gpu / 100),
        labels=("gpu",),
    )
    metrics.gauges_of(
        "andon_gpu_memory_used_bytes",
        "Memory of a GPU of this machine that is in use.",
        of_each(lambda gpu: library.nvmlDeviceGetMemoryInfo(gpu).used),
        labels=("gpu",),
    )
    metrics.gauges_of(
        "andon_gpu_memory_total_bytes",
        "Memory of a GPU of this machine.",
        of_each(lambda gpu: library.nvmlDeviceGetMemoryInfo(gpu).total),
        labels=("gpu",),
    )
