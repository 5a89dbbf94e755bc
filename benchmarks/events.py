"""Events per second, end to end: from a broker through windows, model and policy into the ledger, by a real `andon up`.

Kafka (tansu, in memory) and NATS JetStream each hold a topic full of transfers, which the worker reads to the end; the
time from a full topic to the last event counts. In the same run: the same process with no-op deciding (it reads, checks
and records each event, without windows, by one stump and one rule), a trigger that only reads, decodes and moves its
position, and the plain approach, one transaction an event. Goals: at least half of the no-op rate of the same process,
at least ten times one transaction an event, and no event failed or left. The share of reading alone is shown
as well. All three take turns, in several rounds; the output is the median, and for shares the median over rounds.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from andon.kernel import config, postgres
from andon_demo.brokers import Broker, kafka_broker, nats_server
from andon_demo.line import Line, command_of, cpu_of
from benchmarks import event_feed, goals
from benchmarks.goals import Goal, at_least, none_of, ratio

PROJECT = Path(__file__).parent / "events-project"
EVENTS = 80_000
ROUNDS = 11
PLAIN_EVENTS = 1_500
PATIENCE = 90.0
GOAL_SHARE = 0.5
GOAL_AGAINST_PLAIN = 10.0
TOPICS = {"reading": "untouched", "no-op": "passing", "deciding": "transfers"}
PARTS = ("worker", "gateway", "console")
DONE = (
    "SELECT coalesce(sum(decided + left_out), 0), coalesce(sum(dead + repeated), 0) FROM stream_partitions "
    "WHERE stream = %s"
)


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one topic: events a second, CPU microseconds an event by process, the lag over time."""

    per_second: float
    cpu_us: Mapping[str, float]
    lag: list[tuple[float, int]]
    failed: int


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench events", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    arguments.add_argument("--events", type=int, default=EVENTS, help="events in each topic and round")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        figures = _measured(folder, given.events)
    _print(figures)
    judged = goals_of(figures)
    Console(stderr=True, width=140).print(goals.table_of(judged))
    print(json.dumps({"benchmark": "events", **figures, **goals.as_json(judged)}))
    return 1 if given.check and goals.missed(judged) else 0


def _measured(folder: Path, events: int) -> dict[str, Any]:
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "nats").mkdir()
    with (
        kafka_broker(folder) as kafka,
        nats_server(folder / "nats", sync=False) as nats,
        Console(stderr=True).status("starting") as status,
    ):
        for topic in TOPICS.values():
            event_feed.make_topic(kafka.address, topic)
            event_feed.make_stream(nats.address, topic.upper())
        _connect(project, kafka, nats)
        with Line(project, environment={"OMP_NUM_THREADS": "1"}) as line:
            subprocess.run([sys.executable, "train.py"], cwd=project, timeout=PATIENCE, check=True)
            for package in ("package", "idle-package"):
                line.command("models", "register", package, "--alias", "champion", "--reason", "benchmark")
            line.up()
            bench = _Bench(line, {"kafka": kafka, "nats": nats}, events)
            runs: dict[str, list[dict[str, Run]]] = {}
            for broker, fill in (("kafka", event_feed.fill_topic), ("nats", event_feed.fill_stream)):
                for turn in range(ROUNDS):
                    sides = list(TOPICS.items()) if turn % 2 == 0 else list(TOPICS.items())[::-1]
                    status.update(f"{broker}, round {turn + 1}")
                    runs.setdefault(broker, []).append({side: bench.run(broker, topic, fill) for side, topic in sides})
            status.update("one transaction an event")
            plain = _plain(line, kafka, project / "events-model.onnx")
    return {
        **{broker: {side: asdict(_middle(rounds, side)) for side in TOPICS} for broker, rounds in runs.items()},
        "rounds": {
            broker: {side: [each[side].per_second for each in rounds] for side in TOPICS}
            for broker, rounds in runs.items()
        },
        "plain": plain,
        "share": {broker: _share(rounds, "no-op") for broker, rounds in runs.items()},
        "share_of_reading": {broker: _share(rounds, "reading") for broker, rounds in runs.items()},
        "failed": {broker: sum(run.failed for run in _all(rounds)) for broker, rounds in runs.items()},
        "left": {broker: sum(run.lag[-1][1] for run in _all(rounds)) for broker, rounds in runs.items()},
    }


def _all(rounds: Sequence[Mapping[str, Run]]) -> list[Run]:
    return [run for each in rounds for run in each.values()]


def _middle(rounds: Sequence[Mapping[str, Run]], side: str) -> Run:
    """Return the run of a side that is neither the fastest nor the slowest."""
    return sorted((each[side] for each in rounds), key=lambda run: run.per_second)[len(rounds) // 2]


def _share(rounds: Sequence[Mapping[str, Run]], of: str) -> float:
    return round(median(each["deciding"].per_second / each[of].per_second for each in rounds), 3)


def _connect(project: Path, kafka: Broker, nats: Broker) -> None:
    with (project / "andon.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[connections.kafka]\nkind = "kafka"\nservers = ["{kafka.address}"]\n')
        settings.write(f'[connections.nats]\nkind = "nats"\nservers = ["nats://{nats.address}"]\n')


class _Bench:
    def __init__(self, line: Line, brokers: Mapping[str, Broker], events: int) -> None:
        self._line = line
        self._brokers = brokers
        self._events = events
        self._sent: Counter[str] = Counter()
        self._database = psycopg.connect(_url(line), autocommit=True)

    def run(self, broker: str, topic: str, fill: Callable[[str, str, int], None]) -> Run:
        """Fill a topic again, and watch it being processed from the moment it is full."""
        place = topic if broker == "kafka" else topic.upper()
        stream = f"{broker}:{place}"
        before = self._done(stream)[1]
        fill(self._brokers[broker].address, place, self._events)
        self._sent[stream] += self._events
        sent = self._sent[stream]
        until = time.perf_counter() + PATIENCE
        lag: list[tuple[float, int]] = []
        done, failed = self._done(stream)
        began_at, began, spent = done, time.perf_counter(), self._cpu()
        while done + failed < sent and time.perf_counter() < until:
            if not lag or time.perf_counter() - began > lag[-1][0] + 0.25:
                lag.append((round(time.perf_counter() - began, 2), sent - done))
            time.sleep(0.01)
            done, failed = self._done(stream)
        seconds, moved = time.perf_counter() - began, max(1, done - began_at)
        cpu = {part: round((now - spent.get(part, 0.0)) / moved * 1e6, 1) for part, now in self._cpu().items()}
        return Run(round(moved / seconds, 1), cpu, [*lag, (round(seconds, 2), sent - done - failed)], failed - before)

    def _done(self, stream: str) -> tuple[int, int]:
        done, failed = self._database.execute(DONE, (stream,)).fetchone() or (0, 0)
        return int(done), int(failed)

    def _cpu(self) -> dict[str, float]:
        """Return the CPU seconds so far by process."""
        spent: dict[str, float] = {}
        for process in self._line.processes():
            command = command_of(process)
            part = command[-1] if command and command[-1] in PARTS else "up"
            part = "postgres" if command and "postgres" in command[0] else part
            spent[part] = spent.get(part, 0.0) + cpu_of(process)
        for name, broker in self._brokers.items():
            assert broker.process is not None
            spent[name] = cpu_of(psutil.Process(broker.process.pid))
        return spent


def _plain(line: Line, kafka: Broker, model: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.plain_events", _url(line), kafka.address, "transfers", str(model)]
    done = subprocess.run([*command, str(PLAIN_EVENTS)], capture_output=True, text=True, timeout=PATIENCE, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _url(line: Line) -> str:
    return postgres.url_of(config.load(line.folder, {}))


def goals_of(figures: Mapping[str, Any]) -> list[Goal]:
    """Judge deciding from each broker."""
    judged = []
    for broker in ("kafka", "nats"):
        against_plain = ratio(figures[broker]["deciding"]["per_second"], figures["plain"]["per_second"])
        judged += [
            at_least(f"{broker}: deciding against no-op deciding", figures["share"][broker], GOAL_SHARE),
            at_least(f"{broker}: deciding against one transaction an event", against_plain, GOAL_AGAINST_PLAIN),
            none_of(f"{broker}: events that failed", figures["failed"][broker]),
            none_of(f"{broker}: events that were left", figures["left"][broker]),
        ]
    return judged


def _print(figures: Mapping[str, Any]) -> None:
    parts = sorted({part for broker in ("kafka", "nats") for part in figures[broker]["deciding"]["cpu_us"]})
    table = Table("from", "what", "events/s", *(f"{part} µs" for part in parts))
    for broker in ("kafka", "nats"):
        for side in ("deciding", "no-op", "reading"):
            run = figures[broker][side]
            cpu = (f"{run['cpu_us'].get(part, 0):.1f}" for part in parts)
            table.add_row(broker, side, f"{run['per_second']:,.0f}", *cpu)
    table.add_row("kafka", "one transaction an event", f"{figures['plain']['per_second']:,.0f}", *("" for _ in parts))
    Console(stderr=True, width=140).print(table)


if __name__ == "__main__":
    sys.exit(main())
