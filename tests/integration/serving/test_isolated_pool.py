"""A pool follows its load within limits, to zero if allowed; blocking callers are answered; nothing is orphaned."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import uvloop

from andon.serving import LoadedVersion
from troublemaker import troublemaker as trouble
from troubles import GOOD, LABELS, a_pool, a_troublemaker, children, labels, row, settled, status_of

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_troublemaker(tmp_path_factory.mktemp("model"))


async def press(loaded: LoadedVersion, clients: int, until: Callable[[], bool]) -> None:
    """So many callers ask one slow batch after the other until a condition holds."""
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            await loaded.predict_soon(row(trouble.SLOW), within=20)

    asking = [asyncio.create_task(ask()) for _ in range(clients)]
    await settled(until, within=15)
    done.set()
    await asyncio.gather(*asking)


def test_it_grows_while_batches_wait_and_shrinks_when_they_stopped(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package, processes_max=3, idle_seconds=0.4)
        await loaded.start()
        assert status_of(loaded).ready == 1
        await press(loaded, 4, lambda: status_of(loaded).ready == 3)
        assert len(children()) == 3
        await settled(lambda: status_of(loaded).ready == 1)
        await settled(lambda: len(children()) == 1)
        assert status_of(loaded).restarts == 0
        assert await labels(loaded) == LABELS
        await loaded.close()

    asyncio.run(scenario())


def test_with_no_least_it_ends_when_idle_and_the_next_batch_pays_a_measured_cold_start(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package, processes_min=0, idle_seconds=0.3)
        await loaded.start()
        assert status_of(loaded).ready == 0
        assert await labels(loaded) == LABELS
        await settled(lambda: not children())
        began = time.monotonic()
        assert await labels(loaded) == LABELS
        cold = status_of(loaded).cold_start_seconds
        assert cold is not None
        assert 0 < cold <= time.monotonic() - began
        await loaded.close()

    asyncio.run(scenario())


def test_it_runs_on_uvloop_as_a_gateway_does_and_takes_a_large_batch_in_parts(package: Path) -> None:
    rows = [{"amount": float(n), "country": "DE"} for n in range(1000)]

    async def scenario() -> None:
        loaded = a_pool(package, max_batch=64)
        await loaded.start()
        scores = [prediction.score for prediction in await loaded.predict_soon(rows, within=20)]
        assert np.all(np.diff(scores) >= 0)
        assert len(scores) == 1000
        assert status_of(loaded).cpu_seconds > 0
        assert loaded.take_cpu_us() > 0
        assert loaded.take_cpu_us() == 0
        await loaded.close()

    uvloop.run(scenario())


def test_a_batch_takes_gpu_time_on_each_gpu_that_its_process_computes_on(package: Path) -> None:
    asked: list[int] = []

    def two(pid: int) -> int:
        asked.append(pid)
        return 2

    async def scenario() -> None:
        loaded = a_pool(package, gpus_of=two)
        await loaded.start()
        (process,) = children()
        asked.clear()  # of its probes
        began = time.monotonic()
        await labels(loaded, [{"amount": float(trouble.SLOW), "country": "DE"}])
        took = time.monotonic() - began
        assert asked == [process.pid]
        assert 2 * 0.3 <= status_of(loaded).gpu_seconds <= 2 * took
        assert 2 * 300_000 <= loaded.take_gpu_us() <= 2_000_000 * took
        assert loaded.take_gpu_us() == 0
        await loaded.close()

    asyncio.run(scenario())


def test_whoever_blocks_is_answered_beside_a_pool_without_its_loop(package: Path) -> None:
    async def scenario() -> None:
        loaded = a_pool(package)
        await loaded.start()
        blocking = loaded.predict(GOOD)  # on the very loop that the pool lives on
        assert blocking == await loaded.predict_soon(GOOD, within=5)
        assert blocking == await asyncio.to_thread(loaded.predict, GOOD)
        await loaded.close()
        assert children() == []

    asyncio.run(scenario())


def test_nothing_of_a_pool_outlives_a_gateway_that_was_killed_not_even_what_hangs(package: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("parent.py")), str(package)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(TESTS)}, text=True)
    try:
        assert parent.stdout is not None
        with parent.stdout:
            pids = [int(pid) for pid in parent.stdout.readline().split()]
    finally:
        parent.kill()
        parent.wait()
    assert len(pids) == 2

    def lives(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    asyncio.run(settled(lambda: not any(lives(pid) for pid in pids), within=5))
