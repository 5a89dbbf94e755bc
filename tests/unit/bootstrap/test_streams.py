"""The progress of streams in the metrics: messages behind, age of the newest decided event, and results."""

import asyncio
from datetime import timedelta
from typing import cast

from prometheus_client.parser import text_string_to_metric_families

from andon.bootstrap.streams import run_streams
from andon.decisions import Deployment
from andon.kernel.db import DatabaseUnavailable
from andon.kernel.metrics import Metrics
from andon.streams import Moved, StreamKey, Streams
from andon.streams.metrics import StreamMetrics
from andon.testing import FakeClock
from meanwhile import meanwhile

KEY = StreamKey("payments", "kafka:payments")
OTHER = StreamKey("payments", "table:refunds")


def shown(metrics: Metrics, name: str, key: StreamKey = KEY, **labels: str) -> float | None:
    wanted = {"automation": key.automation, "stream": key.stream, **labels}
    families = text_string_to_metric_families(metrics.text().decode())
    found = [s.value for family in families for s in family.samples if s.name == name and s.labels == wanted]
    return found[0] if found else None


def test_lag_and_watermark_are_told_by_stream_and_the_watermark_ages() -> None:
    metrics, clock = Metrics(), FakeClock()
    watch = StreamMetrics(metrics)
    watch.show(metrics, clock)
    watch.stands(KEY, 1200, clock.now() - timedelta(seconds=30), 3)
    watch.stands(OTHER, 0, None, 1)
    assert shown(metrics, "andon_stream_lag") == 1200
    assert shown(metrics, "andon_stream_partitions") == 3
    assert shown(metrics, "andon_stream_watermark_age_seconds") == 30
    assert shown(metrics, "andon_stream_watermark_age_seconds", OTHER) is None, "nothing was decided yet"
    clock.set(clock.now() + timedelta(seconds=15))
    watch.stands(KEY, 7, clock.now() - timedelta(seconds=2), 3)
    assert shown(metrics, "andon_stream_lag") == 7
    clock.set(clock.now() + timedelta(seconds=60))
    assert shown(metrics, "andon_stream_watermark_age_seconds") == 62


def test_what_became_of_events_is_counted_from_zero() -> None:
    metrics = Metrics()
    watch = StreamMetrics(metrics)
    watch.show(metrics, FakeClock())
    watch.stands(KEY, 0, None, 1)
    results = ("decided", "repeated", "left_out", "dead")
    assert [shown(metrics, "andon_stream_events_total", result=result) for result in results] == [0, 0, 0, 0]
    watch.moved(KEY, Moved(decided=5, repeated=1, left_out=2, dead=1))
    watch.failed(KEY)
    watch.lost(KEY, 9)
    assert [shown(metrics, "andon_stream_events_total", result=result) for result in results] == [5, 1, 2, 1]
    assert shown(metrics, "andon_stream_failures_total") == 1
    assert shown(metrics, "andon_stream_lost_total") == 9


def test_streams_that_begin_while_metrics_are_scraped_break_no_scrape() -> None:
    metrics = Metrics()
    watch = StreamMetrics(metrics)
    watch.show(metrics, FakeClock())
    watch.stands(KEY, 7, FakeClock().now(), 1)
    stand = metrics.registry.restricted_registry(["andon_stream_lag", "andon_stream_watermark_age_seconds"])

    def one_more(number: int) -> None:
        if number < 1000:
            watch.stands(StreamKey("refunds", f"table:t{number}"), 0, FakeClock().now(), 1)

    with meanwhile(one_more):
        told = [list(stand.collect()) for _ in range(50)]
    assert all(len(families) == 2 for families in told)


def test_a_database_that_is_away_when_a_worker_begins_is_waited_for() -> None:
    answers: list[Exception | None] = [DatabaseUnavailable("away"), DatabaseUnavailable("away"), None]
    read: list[str] = []

    class Deployed:
        def refresh(self) -> None:
            answer = answers.pop(0)
            if answer is not None:
                raise answer

    class Read:
        some = True

        async def run(self, stop: asyncio.Event) -> None:
            read.append("all")
            stop.set()

    async def run() -> None:
        given = cast(Streams, Read()), cast(Deployment, Deployed()), asyncio.Event()
        await run_streams(*given, again_seconds=0.0)

    asyncio.run(run())
    assert (answers, read) == ([], ["all"])
