"""How busy the NVIDIA GPUs of this machine are, by NVML; where there is none, or no library (extra `gpu`), nothing is shown."""

from collections.abc import Callable
from typing import Any, Protocol

import structlog

from andon.kernel.metrics import Metrics, Readings

log = structlog.get_logger(__name__)


class Nvml(Protocol):
    """What is used of the module `pynvml`."""

    NVMLError: type[Exception]

    def nvmlInit(self) -> None:  # noqa: N802 - the library's name
        """Connect to the driver. Raises NVMLError."""
        ...

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - the library's name
        """How many GPUs there are."""
        ...

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:  # noqa: N802 - the library's name
        """What the other calls take."""
        ...

    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Any:  # noqa: N802 - the library's name
        """`gpu` is the percentage of the last moments in which it computed."""
        ...

    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any:  # noqa: N802 - the library's name
        """`used` and `total`, in bytes."""
        ...


def find_nvml() -> Nvml | None:
    """The library, if it is installed."""
    try:
        import pynvml
    except ImportError:
        return None
    found: Nvml = pynvml
    return found


def watch_gpus(metrics: Metrics, library: Nvml | None) -> None:
    """Show each GPU that the library finds, by its index."""
    if library is None:
        return
    try:
        library.nvmlInit()
        gpus = [library.nvmlDeviceGetHandleByIndex(index) for index in range(library.nvmlDeviceGetCount())]
    except library.NVMLError as error:
        log.info("gpus.none", error=type(error).__name__)
        return

    def of_each(value: Callable[[Any], float]) -> Callable[[], Readings]:
        """A GPU that does not answer (it fell off the bus) is left out."""

        def read() -> Readings:
            for index, gpu in enumerate(gpus):
                try:
                    yield (str(index),), value(gpu)
                except library.NVMLError as error:
                    log.warning("gpus.no_answer", gpu=index, error=type(error).__name__)

        return read

    metrics.gauges_of(
        "andon_gpu_utilization_ratio",
        "Which part of the last moments a GPU of this machine computed, 0 to 1.",
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
