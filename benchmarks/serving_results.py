"""The results of `script/bench serving`: medians of all turns of a side, and the goals judged on them. Pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.goals import Goal, at_least, at_most, more_than, none_of, ratio
from benchmarks.side import Memory, Round

SHOWN = ("per_second", "p50", "p95", "p99", "cpu_us", "generator_cpu", "others")


@dataclass(frozen=True, slots=True)
class Turn:
    """One start of one side: its duration, its memory before any load, and a round for each number of connections."""

    start_seconds: float
    memory: Mapping[str, Memory]
    rounds: Mapping[int, Round]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The medians of one side. `at[n]` are the figures at n connections, `cpu[n]` µs a request by part, MB by part."""

    at: dict[int, dict[str, float]]
    cpu: dict[int, dict[str, float]]
    rss_mb: dict[str, float]
    pss_mb: dict[str, float]
    processes: int
    start_seconds: float
    failed: int
    failures: dict[str, int] = field(default_factory=dict)


def outcome_of(turns: Sequence[Turn]) -> Outcome:
    """Return the medians over all turns of one side, of which there is at least one."""
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
    """Return the goals, judged where both sides of a ratio were measured; `andon` always is."""
    andon, fastapi, kserve = outcomes["andon"], outcomes.get("fastapi"), outcomes.get("kserve-v1")
    memory = None if kserve is None else ratio(andon.rss_mb["gateway"], kserve.rss_mb["server"])
    return [
        at_least("throughput at 64 against KServe V1's", _ratio(andon, kserve, 64), 4.0),
        at_least("throughput at 16 against KServe V1's", _ratio(andon, kserve, 16), 2.5),
        more_than("throughput at 64 against FastAPI + ONNX Runtime's", _ratio(andon, fastapi, 64), 1.0),
        at_most("p99 at 64 against FastAPI + ONNX Runtime's", _ratio(andon, fastapi, 64, "p99"), 1.0),
        at_most("memory of an idle gateway against KServe's server (RSS)", memory, 1.0),
        none_of("requests of Andon's that failed", andon.failed),
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


def _ratio(one: Outcome, other: Outcome | None, connections: int, figure: str = "per_second") -> float | None:
    return None if other is None else ratio(one.at[connections][figure], other.at[connections][figure])


def _median(values: Iterable[float]) -> float:
    return round(float(statistics.median(values)), 3)
