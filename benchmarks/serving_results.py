"""What came of `script/bench serving`: medians of all turns of a side, and the goals judged on them. Pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.side import Memory, Round

SHOWN = ("per_second", "p50", "p95", "p99", "cpu_us", "generator_cpu", "others")
KSERVE_MB = 171.0
"""What KServe's SDK held when the goal was set; stands in for it where it is not measured."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One start of one side: how long it took, what it held before any load, and a round for each number of connections."""

    start_seconds: float
    memory: Mapping[str, Memory]
    rounds: Mapping[int, Round]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The medians of one side. `at[n]` are the figures at n connections, `cpu[n]` µs a request by part, megabytes by part."""

    at: dict[int, dict[str, float]]
    cpu: dict[int, dict[str, float]]
    rss_mb: dict[str, float]
    pss_mb: dict[str, float]
    processes: int
    start_seconds: float
    failed: int
    failures: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted, what came of it, and whether that is enough; None where it was not measured."""

    said: str
    measured: float | None
    wanted: float
    reached: bool | None


def outcome_of(turns: Sequence[Turn]) -> Outcome:
    """The medians over all turns of one side, of which there is at least one."""
    connections = list(turns[0].rounds)
    parts = list(turns[0].memory)
    failures: dict[str, int] = {}
    for turn in turns:
        for one in turn.rounds.values():
            for failure, count in one.failures.items():
                failures[failure] = failures.get(failure, 0) + count
    return Outcome(
        at={n: {name: _median(getattr(turn.rounds[n], name) for turn in turns) for name in SHOWN} for n in connections},
        cpu={
            n: {part: _median(turn.rounds[n].cpu.get(part, 0.0) for turn in turns) for part in parts}
            for n in connections
        },
        rss_mb={part: _median(turn.memory[part].rss_mb for turn in turns) for part in parts},
        pss_mb={part: _median(turn.memory[part].pss_mb for turn in turns) for part in parts},
        processes=max(sum(memory.processes for memory in turn.memory.values()) for turn in turns),
        start_seconds=_median(turn.start_seconds for turn in turns),
        failed=sum(one.failed for turn in turns for one in turn.rounds.values()),
        failures=failures,
    )


def goals_of(outcomes: Mapping[str, Outcome]) -> list[Goal]:
    """The goals, judged where both sides of a comparison were measured. `andon` always is."""
    andon, fastapi, kserve = outcomes["andon"], outcomes.get("fastapi"), outcomes.get("kserve-v1")
    gateway = andon.rss_mb["gateway"]
    return [
        _at_least("throughput at 64 against KServe V1's", _ratio(andon, kserve, 64), 4.0),
        _at_least("throughput at 16 against KServe V1's", _ratio(andon, kserve, 16), 2.5),
        _above("throughput at 64 against FastAPI + ONNX Runtime's", _ratio(andon, fastapi, 64), 1.0),
        _below("p99 at 64 in ms", andon.at[64]["p99"], 10.0),
        _at_most("p50 at 1 above FastAPI + ONNX Runtime's in ms", _apart(andon, fastapi), 0.7),
        _below("memory of an idle gateway in MB (RSS)", gateway, kserve.rss_mb["server"] if kserve else KSERVE_MB),
        _at_most("requests of Andon's that failed", andon.failed, 0.0),
    ]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """One side as JSON: each figure by number of connections."""
    return {
        **{name: {str(n): figures[name] for n, figures in outcome.at.items()} for name in SHOWN},
        "cpu_by_part": {str(n): parts for n, parts in outcome.cpu.items()},
        "rss_mb": outcome.rss_mb,
        "pss_mb": outcome.pss_mb,
        "processes": outcome.processes,
        "start_seconds": outcome.start_seconds,
        "failed": outcome.failed,
        "failures": dict(list(outcome.failures.items())[:3]),
    }


def _ratio(one: Outcome, other: Outcome | None, connections: int) -> float | None:
    if other is None or other.at[connections]["per_second"] == 0:
        return None
    return one.at[connections]["per_second"] / other.at[connections]["per_second"]


def _apart(one: Outcome, other: Outcome | None) -> float | None:
    return None if other is None else round(one.at[1]["p50"] - other.at[1]["p50"], 3)


def _at_least(said: str, measured: float | None, wanted: float) -> Goal:
    return Goal(f"{said}: at least", measured, wanted, None if measured is None else measured >= wanted)


def _above(said: str, measured: float | None, wanted: float) -> Goal:
    return Goal(f"{said}: more than", measured, wanted, None if measured is None else measured > wanted)


def _at_most(said: str, measured: float | None, wanted: float) -> Goal:
    return Goal(f"{said}: at most", measured, wanted, None if measured is None else measured <= wanted)


def _below(said: str, measured: float | None, wanted: float) -> Goal:
    return Goal(f"{said}: less than", measured, wanted, None if measured is None else measured < wanted)


def _median(values: Iterable[float]) -> float:
    return round(float(statistics.median(values)), 3)
