"""A version in real processes of its own shows them, their memory and CPU time, and what went wrong with them."""

import asyncio
from pathlib import Path

import pytest

from andon.bootstrap.pools import watch_pools
from andon.kernel.metrics import Metrics
from andon.serving import PredictionFailed
from troublemaker import troublemaker as trouble
from troubles import a_pool, a_troublemaker, labels, row, settled, status_of

VERSION = {"model": "troublemaker", "version": "1"}


def test_a_process_that_crashes_shows_as_an_incident_and_its_successor_as_a_restart(tmp_path: Path) -> None:
    metrics = Metrics()
    pool = a_pool(a_troublemaker(tmp_path), processes_max=1)
    watch_pools(metrics, lambda: [pool])

    def value(name: str, **further: str) -> float | None:
        return metrics.registry.get_sample_value(name, {**VERSION, **further})

    async def scenario() -> None:
        await pool.start()
        assert value("andon_pool_processes", state="idle") == 1
        await labels(pool)
        assert value("andon_pool_incidents_total", kind="crashed") == 0
        with pytest.raises(PredictionFailed):
            await pool.predict_soon(row(trouble.EXIT), within=20)
        assert value("andon_pool_incidents_total", kind="crashed") == 1
        await settled(lambda: status_of(pool).ready == 1 and status_of(pool).rss_bytes > 0, within=20)
        assert value("andon_pool_restarts_total") == 1
        resident = value("andon_pool_resident_memory_bytes")
        assert resident is not None
        assert resident > 10_000_000
        cpu = value("andon_pool_cpu_seconds_total")
        assert cpu is not None
        assert cpu >= 0
        assert value("andon_breaker_open") == 0
        await pool.close()

    asyncio.run(scenario())
