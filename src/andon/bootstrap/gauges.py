"""The state of a gateway, as gauges that are read at each scrape."""

from collections.abc import Callable, Mapping, Sequence

from andon.decisions import Line, Priority
from andon.kernel.metrics import Metrics, Readings

PRIORITIES = ("interactive", "normal", "bulk")


def watch_queue(metrics: Metrics, depths: Callable[[], Sequence[int]]) -> None:
    """Register the number of waiting requests, by priority: interactive, normal, bulk."""
    metrics.gauges_of(
        "andon_queue_depth",
        "Requests waiting for a batch, by priority: interactive, normal, bulk.",
        lambda: [((name,), depth) for name, depth in zip(PRIORITIES, depths(), strict=True)],
        labels=("priority",),
    )


def watch_versions(
    metrics: Metrics,
    lines: Callable[[], Mapping[str, Line]],
    depths: Callable[[], Mapping[tuple[str, int, Priority], int]],
) -> None:
    """Register the number of waiting requests for each version that may answer."""

    def waiting() -> Readings:
        found = {
            (arm.ref.model.name, arm.version): 0 for line in lines().values() for arm in line.traffic.arms.values()
        }
        for (model, version, _), count in depths().items():
            found[model, version] = found.get((model, version), 0) + count
        for (model, version), count in found.items():
            yield (model, str(version)), count

    metrics.gauges_of(
        "andon_version_queue_depth",
        "Requests waiting for a batch, by the version that is to answer them.",
        waiting,
        labels=("model", "version"),
    )


def watch_traffic(metrics: Metrics, lines: Callable[[], Mapping[str, Line]]) -> None:
    """Register the share of an automation's requests that each candidate is to answer."""

    def shares() -> Readings:
        for name, line in lines().items():
            split = line.traffic.split
            for candidate, percent in split.answering(line.traffic.champion.version).items():
                yield (name, split.model, str(candidate)), percent / 100

    metrics.gauges_of(
        "andon_traffic_share_ratio",
        "Share of an automation's requests that a version is to answer, by the policy in force or its own, 0 to 1.",
        shares,
        labels=("automation", "model", "version"),
    )
