"""A machine with two GPUs, as NVIDIA's library shows them."""

from types import SimpleNamespace


class NvmlError(Exception):
    """What the library raises."""


class FakeNvml:
    """Two GPUs; the one whose index is in `fallen` does not answer any more."""

    NVMLError = NvmlError

    def __init__(self, *, driver: bool = True) -> None:
        self.driver = driver
        self.fallen: set[int] = set()
        self.computing: dict[int, set[int]] = {0: set(), 1: set()}
        """Which processes compute on which GPU."""
        self.looks = 0

    def nvmlInit(self) -> None:  # noqa: N802 - the library's name
        if not self.driver:
            raise NvmlError("no driver")

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - the library's name
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802 - the library's name
        return index

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:  # noqa: N802 - the library's name
        if handle in self.fallen:
            raise NvmlError("lost")
        return SimpleNamespace(gpu=25 * (handle + 1))

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802 - the library's name
        if handle in self.fallen:
            raise NvmlError("lost")
        return SimpleNamespace(used=1000 + handle, total=8000)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[SimpleNamespace]:  # noqa: N802 - the library's name
        self.looks += 1
        if handle in self.fallen:
            raise NvmlError("lost")
        return [SimpleNamespace(pid=pid) for pid in self.computing[handle]]
