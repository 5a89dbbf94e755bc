"""GPUs are shown where NVML finds some; without a library, driver or answer nothing is shown and nothing breaks."""

import subprocess
import sys

import pytest

from andon.bootstrap.gpus import EVERY, Computing, find_nvml, gpus_of, watch_gpus
from andon.kernel.metrics import Metrics
from gpus import FakeNvml


def lines(metrics: Metrics) -> set[str]:
    return {line for line in metrics.text().decode().splitlines() if line.startswith("andon_gpu")}


def test_each_gpu_shows_how_busy_it_is_and_its_memory() -> None:
    metrics = Metrics()
    watch_gpus(metrics, FakeNvml())
    assert lines(metrics) == {
        'andon_gpu_utilization_ratio{gpu="0"} 0.25',
        'andon_gpu_utilization_ratio{gpu="1"} 0.5',
        'andon_gpu_memory_used_bytes{gpu="0"} 1000.0',
        'andon_gpu_memory_used_bytes{gpu="1"} 1001.0',
        'andon_gpu_memory_total_bytes{gpu="0"} 8000.0',
        'andon_gpu_memory_total_bytes{gpu="1"} 8000.0',
    }


def test_a_gpu_that_falls_off_the_bus_is_left_out() -> None:
    metrics, library = Metrics(), FakeNvml()
    watch_gpus(metrics, library)
    library.fallen = {0}
    assert {line.partition("}")[0][-2] for line in lines(metrics)} == {"1"}


@pytest.mark.parametrize("library", [None, FakeNvml(driver=False)], ids=["no library", "no driver"])
def test_without_gpus_there_is_no_metric_and_no_error(library: FakeNvml | None) -> None:
    metrics = Metrics()
    watch_gpus(metrics, library)
    assert b"andon_gpu" not in metrics.text()


def test_a_process_computes_on_as_many_gpus_as_show_it_and_is_looked_for_once_a_second() -> None:
    library, clock = FakeNvml(), [10.0]
    library.computing = {0: {7, 8}, 1: {7}}
    computing = Computing(library, [0, 1], now=lambda: clock[0])
    assert [computing(pid) for pid in (7, 8, 9)] == [2, 1, 0]
    library.computing = {0: set(), 1: {9}}
    assert (computing(7), library.looks) == (2, 2)
    clock[0] += EVERY
    assert [computing(pid) for pid in (7, 9)] == [0, 1]
    library.fallen, clock[0] = {1}, clock[0] + EVERY
    assert computing(9) == 0


@pytest.mark.parametrize("library", [None, FakeNvml(driver=False)], ids=["no library", "no driver"])
def test_without_gpus_nothing_computes_on_one(library: FakeNvml | None) -> None:
    assert gpus_of(library)(1) == 0


def test_the_real_library_has_what_is_asked_of_it() -> None:
    library = find_nvml(driver="libc.so.6")  # any library that is there
    assert library is not None
    used = [name for name in dir(FakeNvml) if name.lower().startswith("nvml")]
    assert [name for name in used if not hasattr(library, name)] == []
    watch_gpus(Metrics(), library)


def test_without_a_driver_the_library_is_not_even_loaded() -> None:
    look = (
        "import sys; from andon.bootstrap.gpus import find_nvml; print(find_nvml('libno-driver.so.1'), 'pynvml' "
        "in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["None", "False"]
