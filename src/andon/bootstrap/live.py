"""The live status of a process: assembled from its decider, its versions and its metrics."""

import resource
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from andon.decisions import Decider, Deployment, Priority
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.tallies import BatchCounter
from andon.live import LiveWatch, Pool, Reporter, Status, WaitingCounts

_LONGEST = 500
"""The most characters of a problem."""


def report_live(
    database: Database,
    part: str,
    watch: LiveWatch,
    decider: Decider,
    deployment: Deployment,
    refused: BatchCounter,
    *,
    clock: Clock,
    under_way: Callable[[], int] = lambda: 0,
) -> Reporter:
    """Return the reporter of this process's live status."""

    def status() -> Status:
        window, now = watch.counted(refused.counts)
        return Status(
            seconds=window.seconds(now),
            serves={name: line.ref.automation_version for name, line in deployment.lines.items()},
            arms=window.arms(now),
            lines=window.lines(now),
            waiting=_waiting(decider),
            pools=_pools(deployment),
            under_way=under_way(),
            lost=window.lost(now),
            rss_bytes=_rss_bytes(),
            drills=deployment.controls.drills,
            behind={name: str(error)[:_LONGEST] for name, error in deployment.problems.items()},
        )

    return Reporter(database, part, clock=clock, status=status)


def _waiting(decider: Decider) -> Mapping[str, WaitingCounts]:
    depths = decider.depths_by_automation
    return {name: WaitingCounts(*(depths[name, priority] for priority in Priority)) for name, _ in depths}


def _pools(deployment: Deployment) -> tuple[Pool, ...]:
    """Return the versions with processes or connections, and others that had incidents."""
    return tuple(
        Pool(one.version.name, one.version.number, status)
        for one in deployment.loaded
        if (status := one.health()).incidents or not one.inline
    )


def _rss_bytes() -> int:
    """Return this process's resident memory; 0 where the system does not report it."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return 0
