"""The status that a process reports, and the sum of several. Pure values.

Every count covers about the last minute: `Status.seconds`, which is less in a process that has just started.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from andon.live.bands import Bands, percentiles
from andon.serving import PoolStatus

STAGES = ("queue", "features", "predict", "policy", "record", "whole")
"""The stages of a decision; `whole` is from its admission to the commit."""

GONE_AFTER = timedelta(seconds=10)
"""A process not seen for this long is gone."""

SHARES = (0.5, 0.95, 0.99)

_BREAKERS = ("closed", "half_open", "open")


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """The work of one version for one automation: the times of each stage, and fallbacks by reason."""

    automation: str
    model: str
    version: int
    decisions: int
    stages: Mapping[str, Bands]
    fallbacks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineCounts:
    """Other results of requests for one automation: shadowed or not, refused, expired."""

    automation: str
    shadowed: int = 0
    not_shadowed: int = 0
    expired: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pool:
    """The processes of one version, or its server, as one gateway sees them."""

    model: str
    version: int
    status: PoolStatus


@dataclass(frozen=True, slots=True)
class WaitingCounts:
    """The requests now waiting for an automation, by priority."""

    interactive: int = 0
    normal: int = 0
    bulk: int = 0

    @property
    def total(self) -> int:
        """The number of all of them."""
        return self.interactive + self.normal + self.bulk


@dataclass(frozen=True, slots=True)
class Status:
    """The status of one process.

    `serves` names its automations and their versions. `waiting` is by automation. `under_way` counts requests of all
    automations, `lost` the decisions that were never recorded. `drills` are those whose cord it holds. `behind` gives
    the reason for each automation that could not be brought up to date.
    """

    seconds: float
    serves: Mapping[str, int] = field(default_factory=dict)
    arms: tuple[ArmCounts, ...] = ()
    lines: tuple[LineCounts, ...] = ()
    waiting: Mapping[str, WaitingCounts] = field(default_factory=dict)
    pools: tuple[Pool, ...] = ()
    under_way: int = 0
    lost: int = 0
    rss_bytes: int = 0
    drills: tuple[str, ...] = ()
    behind: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that decides: a gateway or a worker (`part`), its version of Andon, and its last report."""

    id: UUID
    part: str
    host: str
    pid: int
    andon: str
    started_at: datetime
    seen_at: datetime
    status: Status


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of one stage in milliseconds; None without data."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The sum of some arms over some processes."""

    decisions: int
    per_second: float
    stages: Mapping[str, Bands]
    fallbacks: Mapping[str, int]

    def latency(self, stage: str = "whole") -> Latency:
        """Return how long a stage takes."""
        return Latency(*percentiles(self.stages.get(stage, {}), SHARES))


def figures(processes: Iterable[Process], wanted: Callable[[ArmCounts], bool]) -> Figures:
    """Return the sum of the `wanted` arms over processes; each process's rate covers its own time."""
    decisions, rate = 0, 0.0
    stages: dict[str, Counter[int]] = {stage: Counter() for stage in STAGES}
    fallbacks: Counter[str] = Counter()
    for process in processes:
        for arm in filter(wanted, process.status.arms):
            decisions += arm.decisions
            rate += arm.decisions / max(process.status.seconds, 1.0)
            fallbacks.update(arm.fallbacks)
            for stage, bands in arm.stages.items():
                stages.setdefault(stage, Counter()).update(bands)
    return Figures(decisions, rate, stages, fallbacks)


def line_counts(processes: Iterable[Process], automation: str) -> LineCounts:
    """Return the other results of one automation's requests, in all processes."""
    mine = [line for process in processes for line in process.status.lines if line.automation == automation]
    refused: Counter[str] = Counter()
    for line in mine:
        refused.update(line.refused)
    return LineCounts(
        automation,
        shadowed=sum(line.shadowed for line in mine),
        not_shadowed=sum(line.not_shadowed for line in mine),
        expired=sum(line.expired for line in mine),
        refused=refused,
    )


def waiting(processes: Iterable[Process], automations: Iterable[str]) -> WaitingCounts:
    """Return how many requests wait for these automations, in all processes."""
    names = set(automations)
    all_of = [counts for process in processes for name, counts in process.status.waiting.items() if name in names]
    return WaitingCounts(
        sum(one.interactive for one in all_of), sum(one.normal for one in all_of), sum(one.bulk for one in all_of)
    )


def processes_of(processes: Iterable[Process], automations: Iterable[str]) -> list[Process]:
    """Return the processes that serve any of these automations, and those that serve none yet."""
    names = set(automations)
    return [one for one in processes if not one.status.serves or not names.isdisjoint(one.status.serves)]


def pools(processes: Iterable[Process], model: str) -> list[Pool]:
    """Return the processes of each version of a model, combined over all gateways.

    What counts is the worst breaker, the longest start, and the incident of any process that names one.
    """
    by_version: dict[int, list[PoolStatus]] = {}
    for process in processes:
        for pool in process.status.pools:
            if pool.model == model:
                by_version.setdefault(pool.version, []).append(pool.status)
    return [Pool(model, version, _together(statuses)) for version, statuses in sorted(by_version.items())]


def _together(statuses: Sequence[PoolStatus]) -> PoolStatus:
    incidents: Counter[str] = Counter()
    for status in statuses:
        incidents.update(status.incidents)
    starts = [status.cold_start_seconds for status in statuses if status.cold_start_seconds is not None]
    return PoolStatus(
        ready=sum(status.ready for status in statuses),
        starting=sum(status.starting for status in statuses),
        busy=sum(status.busy for status in statuses),
        queued=sum(status.queued for status in statuses),
        restarts=sum(status.restarts for status in statuses),
        incidents=incidents,
        last_incident=next((status.last_incident for status in statuses if status.last_incident), None),
        cold_start_seconds=max(starts, default=None),
        cpu_seconds=sum(status.cpu_seconds for status in statuses),
        rss_bytes=sum(status.rss_bytes for status in statuses),
        breaker=max((status.breaker for status in statuses), key=_BREAKERS.index),
    )
