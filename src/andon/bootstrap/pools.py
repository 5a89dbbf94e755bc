"""Health of the versions at each scrape, mainly of those in their own processes or on another server."""

from collections.abc import Callable, Iterable

from andon.kernel.metrics import Metrics, Readings
from andon.serving import LoadedVersion, PoolStatus

INCIDENTS = ("crashed", "timed_out", "leaked", "unloadable", "failed")
"""Counters that start at zero, because Prometheus sees no growth in a counter that first appears as one."""


def watch_pools(metrics: Metrics, loaded: Callable[[], Iterable[LoadedVersion]]) -> None:
    """Show each of `loaded()`: its processes, if any, and its incidents."""

    def of_each(values: Callable[[PoolStatus], Readings], *, inline: bool = False) -> Callable[[], Readings]:
        def read() -> Readings:
            for one in loaded():
                status = one.health() if inline else one.status()
                if status is not None:
                    for further, value in values(status):
                        yield (one.version.name, str(one.version.number), *further), value

        return read

    metrics.gauges_of(
        "andon_pool_processes",
        "Processes of a version that runs in its own processes: idle, busy, starting.",
        of_each(
            lambda s: [(("idle",), s.ready - s.busy), (("busy",), s.busy), (("starting",), s.starting)],
        ),
        labels=("model", "version", "state"),
    )
    metrics.gauges_of(
        "andon_pool_queue_depth",
        "Batches waiting for a free process of this version.",
        of_each(lambda s: [((), s.queued)]),
        labels=("model", "version"),
    )
    metrics.gauges_of(
        "andon_pool_resident_memory_bytes",
        "Resident memory of the processes of this version.",
        of_each(lambda s: [((), s.rss_bytes)]),
        labels=("model", "version"),
    )
    metrics.gauges_of(
        "andon_pool_cold_start_seconds",
        "Duration of the last start of this version, from cold to warm.",
        of_each(lambda s: [] if s.cold_start_seconds is None else [((), s.cold_start_seconds)]),
        labels=("model", "version"),
    )
    metrics.gauges_of(
        "andon_breaker_open",
        "1 while a version gets no requests because it failed repeatedly, else 0.",
        of_each(lambda s: [((), float(s.breaker != "closed"))], inline=True),
        labels=("model", "version"),
    )
    metrics.counts_of(
        "andon_pool_cpu_seconds_total",
        "CPU time that the processes of this version spent predicting.",
        of_each(lambda s: [((), s.cpu_seconds)]),
        labels=("model", "version"),
    )
    metrics.counts_of(
        "andon_pool_gpu_seconds_total",
        "GPU time of the processes of this version: the duration of their batches, on each GPU that they use.",
        of_each(lambda s: [((), s.gpu_seconds)]),
        labels=("model", "version"),
    )
    metrics.counts_of(
        "andon_pool_restarts_total",
        "Processes of this version started to replace another.",
        of_each(lambda s: [((), s.restarts)]),
        labels=("model", "version"),
    )
    metrics.counts_of(
        "andon_pool_incidents_total",
        "Problems of this version, by kind.",
        of_each(
            lambda s: [((kind,), n) for kind, n in (dict.fromkeys(INCIDENTS, 0) | dict(s.incidents)).items()],
            inline=True,
        ),
        labels=("model", "version", "kind"),
    )
