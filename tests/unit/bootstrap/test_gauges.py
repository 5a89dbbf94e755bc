"""Gauges are read at each scrape: depth by priority, shares of the split, health of pools, lag of the loop."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from andon.bootstrap.gauges import watch_queue, watch_traffic, watch_versions
from andon.bootstrap.loop import EVERY, LoopMetrics
from andon.bootstrap.pools import watch_pools
from andon.decisions import Priority
from andon.kernel.metrics import Metrics
from andon.serving import Candidate, PoolStatus, TrafficSplit


def lines(metrics: Metrics, start: str) -> set[str]:
    return {line for line in metrics.text().decode().splitlines() if line.startswith(start)}


def test_the_queue_is_shown_by_priority_as_it_is_now() -> None:
    metrics, depths = Metrics(), [1, 2, 3]
    watch_queue(metrics, lambda: depths)
    depths[2] = 7
    assert lines(metrics, "andon_queue_depth{") == {
        'andon_queue_depth{priority="interactive"} 1.0',
        'andon_queue_depth{priority="normal"} 2.0',
        'andon_queue_depth{priority="bulk"} 7.0',
    }


def test_the_queue_is_shown_by_version_and_a_version_for_which_nothing_waits_is_at_zero() -> None:
    metrics = Metrics()
    model = SimpleNamespace(model=SimpleNamespace(name="fraud-risk"))
    arms = {version: SimpleNamespace(ref=model, version=version) for version in (3, 4)}
    lines_now: Any = {"payments": SimpleNamespace(traffic=SimpleNamespace(arms=arms))}
    waiting = {("fraud-risk", 3, Priority.INTERACTIVE): 2, ("fraud-risk", 3, Priority.BULK): 5}
    watch_versions(metrics, lambda: lines_now, lambda: waiting)
    assert lines(metrics, "andon_version_queue_depth{") == {
        'andon_version_queue_depth{model="fraud-risk",version="3"} 7.0',
        'andon_version_queue_depth{model="fraud-risk",version="4"} 0.0',
    }
    waiting[("fraud-risk", 2, Priority.NORMAL)] = 1
    assert 'andon_version_queue_depth{model="fraud-risk",version="2"} 1.0' in lines(metrics, "andon_version")


def line_of(split: TrafficSplit, champion: int) -> Any:
    return SimpleNamespace(traffic=SimpleNamespace(split=split, champion=SimpleNamespace(version=champion)))


def test_shares_are_those_of_the_split_and_the_champion_has_the_rest() -> None:
    metrics = Metrics()
    lines_now = {"payments": line_of(TrafficSplit("payments", "fraud-risk", shares={Candidate(4): 12.5}), 3)}
    watch_traffic(metrics, lambda: lines_now)
    assert lines(metrics, "andon_traffic_share_ratio{") == {
        'andon_traffic_share_ratio{automation="payments",model="fraud-risk",version="3"} 0.875',
        'andon_traffic_share_ratio{automation="payments",model="fraud-risk",version="4"} 0.125',
    }
    lines_now["payments"] = line_of(TrafficSplit("payments", "fraud-risk"), 4)
    assert lines(metrics, "andon_traffic_share_ratio{") == {
        'andon_traffic_share_ratio{automation="payments",model="fraud-risk",version="4"} 1.0'
    }


def test_two_automations_on_one_model_show_their_own_shares() -> None:
    metrics = Metrics()
    apart = {
        "payments": line_of(TrafficSplit("payments", "fraud-risk"), 1),
        "refunds": line_of(TrafficSplit("refunds", "fraud-risk", shares={Candidate(1, "0123456789ab"): 25.0}), 1),
    }
    watch_traffic(metrics, lambda: apart)
    assert lines(metrics, "andon_traffic_share_ratio{") == {
        'andon_traffic_share_ratio{automation="payments",model="fraud-risk",version="1"} 1.0',
        'andon_traffic_share_ratio{automation="refunds",model="fraud-risk",version="1"} 0.75',
        'andon_traffic_share_ratio{automation="refunds",model="fraud-risk",version="1+0123456789ab"} 0.25',
    }


def loaded(version: int, status: PoolStatus | None) -> Any:
    return SimpleNamespace(
        version=SimpleNamespace(name="fraud-risk", number=version),
        status=lambda: status,
        health=lambda: status or PoolStatus(incidents={"failed": 7}, breaker="open"),
    )


def pool(name: str, value: float, *, version: str = "2", **further: str) -> str:
    """Return a sample of a version as the exposition has it: labels in the order of their names."""
    labels = sorted({"model": "fraud-risk", "version": version, **further}.items())
    return f"{name}{{" + ",".join(f'{label}="{of}"' for label, of in labels) + f"}} {value}"


def test_a_version_in_processes_of_its_own_shows_them_and_an_inline_one_what_went_wrong() -> None:
    status = PoolStatus(
        ready=3,
        starting=1,
        busy=2,
        queued=5,
        restarts=4,
        incidents={"crashed": 3, "timed_out": 1},
        cold_start_seconds=1.5,
        cpu_seconds=12.5,
        gpu_seconds=2.5,
        rss_bytes=1024,
        breaker="half_open",
    )
    metrics = Metrics()
    watch_pools(metrics, lambda: [loaded(1, None), loaded(2, status)])
    assert lines(metrics, "andon_pool") | lines(metrics, "andon_breaker") == {
        pool("andon_pool_processes", 1.0, state="idle"),
        pool("andon_pool_processes", 2.0, state="busy"),
        pool("andon_pool_processes", 1.0, state="starting"),
        pool("andon_pool_queue_depth", 5.0),
        pool("andon_pool_resident_memory_bytes", 1024.0),
        pool("andon_pool_cold_start_seconds", 1.5),
        pool("andon_pool_cpu_seconds_total", 12.5),
        pool("andon_pool_gpu_seconds_total", 2.5),
        pool("andon_pool_restarts_total", 4.0),
        pool("andon_pool_incidents_total", 3.0, kind="crashed"),
        pool("andon_pool_incidents_total", 1.0, kind="timed_out"),
        *(pool("andon_pool_incidents_total", 0.0, kind=kind) for kind in ("leaked", "unloadable", "failed")),
        pool("andon_breaker_open", 1.0),
        pool("andon_pool_incidents_total", 7.0, version="1", kind="failed"),
        *(
            pool("andon_pool_incidents_total", 0.0, version="1", kind=kind)
            for kind in ("crashed", "timed_out", "leaked", "unloadable")
        ),
        pool("andon_breaker_open", 1.0, version="1"),
    }


def test_what_holds_up_the_loop_shows() -> None:
    metrics = Metrics()

    async def held_up() -> None:
        watching = asyncio.create_task(LoopMetrics(metrics).watch())
        await asyncio.sleep(EVERY / 2)
        time.sleep(EVERY)  # noqa: ASYNC251 - what a careless feature would do
        await asyncio.sleep(0.01)  # the overdue look comes before this one
        watching.cancel()

    asyncio.run(held_up())
    (total,) = lines(metrics, "andon_event_loop_lag_seconds_sum")
    assert float(total.split()[1]) == pytest.approx(EVERY / 2, abs=EVERY / 4)
