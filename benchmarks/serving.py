"""A governed decision compared with bare predictions: one ONNX file, served by Andon and its peers, loaded in turn.

Andon runs as `andon up` with everything on: key check, rate limit, contract of 24 fields, 3 features, 100 trees, five
rules, durable record with its audit chain, metrics. The peers predict and nothing else (see benchmarks/README.md).
Every side is started for its turn and ended after it, so that nothing idle takes part. The sides that goals depend on
take many turns: a machine that is fast in one second and slow in the next would otherwise decide. Without --peers:
Andon and FastAPI only.
"""

import argparse
import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime
import psutil
from rich.console import Console

from andon_demo.line import Line
from benchmarks import serving_report
from benchmarks.against import PAIRS, SECONDS, CommitUnfit, compare
from benchmarks.environments import EnvironmentFailed, python_of
from benchmarks.goals import Goal, missed
from benchmarks.loadgen import Load
from benchmarks.peers import FASTAPI, PEERS, Peer
from benchmarks.peers.running import ONE_THREAD, PeerFailed, Started, Task, prepare, running
from benchmarks.serving_results import Outcome, Turn, as_json, goals_of, outcome_of
from benchmarks.side import Family, Side

HERE = Path(__file__).parent
CONNECTIONS = (1, 16, 64)
ROUNDS = 7
RARELY = 3
"""Each side that no goal depends on takes part in every third round."""
SENT = 17
"""The number of the model's inputs that callers send; the others are features that Andon computes and peers receive."""
ROWS = slice(8_000, 10_000)
"""Rows that the model was not trained on."""

Start: TypeAlias = Callable[[], AbstractContextManager[Started]]


@dataclass(slots=True)
class Sides:
    """How to start each side and why a peer is missing, by name, and the sides that no goal depends on."""

    starts: dict[str, Start]
    absent: dict[str, str]
    others: set[str]

    def of_round(self, number: int) -> list[tuple[str, Start]]:
        """Return the sides that take part in a round, counted from 0, and are not missing."""
        return [
            (name, start)
            for name, start in self.starts.items()
            if name not in self.absent and (name not in self.others or number % RARELY == 0)
        ]


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    options = _options()
    if options.against is not None:
        try:
            return compare(options.against, _prepared_bodies, pairs=options.pairs, seconds=SECONDS, check=options.check)
        except CommitUnfit as failure:
            print(failure, file=sys.stderr)
            return 2
    peers = (
        (FASTAPI,)
        if options.peers is None
        else [one for one in PEERS if not options.peers or one.name in options.peers]
    )
    with tempfile.TemporaryDirectory(prefix="andon-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        outcomes, absent = _measured(folder, peers, rounds=options.rounds, seconds=options.seconds)
    goals = goals_of(outcomes)
    titles = {"andon": "Andon", **{peer.name: peer.title for peer in peers}}
    said = f"Median of {options.rounds} rounds of {options.seconds:g} s"
    if not all(peer.required for peer in peers):
        said += f" ({len(range(0, options.rounds, RARELY))} for peers that no goal rests on)"
    serving_report.show(titles, outcomes, absent, goals, said)
    if options.write:
        serving_report.write(HERE.parent, titles, outcomes, absent, said)
    misses = missed_of(goals, peers, absent)
    figures = {name: as_json(outcome) for name, outcome in outcomes.items()}
    print(
        json.dumps(
            {
                "benchmark": "serving",
                "sides": figures,
                "absent": absent,
                "goals": [asdict(goal) for goal in goals],
                "missed": misses,
            }
        )
    )
    return 1 if options.check and misses else 0


def missed_of(goals: Sequence[Goal], peers: Sequence[Peer], absent: Mapping[str, str]) -> list[str]:
    """Return the failures of --check: a missed goal, or a peer that did not run although a goal depends on it."""
    absentees = [f"{peer.title} did not run" for peer in peers if peer.required and peer.name in absent]
    return [*missed(goals), *absentees]


def _options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="script/bench serving", description=__doc__)
    names = ", ".join(peer.name for peer in PEERS)
    arguments.add_argument("--peers", nargs="*", metavar="NAME", help=f"with all peers, or those named: {names}")
    arguments.add_argument(
        "--rounds", type=int, default=ROUNDS, help="rounds for Andon and the peers that goals depend on"
    )
    arguments.add_argument("--seconds", type=float, default=3.0, help="of load at each number of connections")
    arguments.add_argument(
        "--against", metavar="REF", help="another commit instead of peers: rates in turns, and their ratio"
    )
    arguments.add_argument("--pairs", type=int, default=PAIRS, help="with --against: turns of each side")
    arguments.add_argument("--write", action="store_true", help="write the table and plot into benchmarks/README.md")
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    options = arguments.parse_args()
    unknown = set(options.peers or ()) - {peer.name for peer in PEERS}
    if unknown:
        arguments.error(f"no peer {', '.join(sorted(unknown))}; there are {names}")
    return options


def _measured(
    folder: Path, peers: Sequence[Peer], *, rounds: int, seconds: float
) -> tuple[dict[str, Outcome], dict[str, str]]:
    """Return the outcomes of all sides that ran, and why the others did not."""
    _train(folder)
    task, bodies = _task(folder)
    sides = _prepared(folder, peers, task)
    line = Line(folder / "project", environment=ONE_THREAD)
    with line:
        line.up()
        key = line.key("bench", "caller")
        _check_model(line.folder, task.model)
    load = Load(
        f"{line.url}/v1/automations/serving/decisions", bodies, 1, 1.0, '"outcome"', {"Authorization": f"Bearer {key}"}
    )
    sides.starts = {"andon": lambda: _andon(line, load), **sides.starts}
    turns = _turns(sides, rounds, seconds)
    return {name: outcome_of(of_side) for name, of_side in turns.items() if name not in sides.absent}, sides.absent


def _turns(sides: Sides, rounds: int, seconds: float) -> dict[str, list[Turn]]:
    """Run one side after the other in each round, so that any other load hits all of them."""
    turns: dict[str, list[Turn]] = {}
    with Console(stderr=True).status("starting") as status:
        for number in range(rounds):
            for name, start in sides.of_round(number):
                status.update(f"round {number + 1} of {rounds}: {name}")
                try:
                    with start() as started:
                        turns.setdefault(name, []).append(_turn(started, seconds))
                except PeerFailed as failure:
                    sides.absent[name] = str(failure)
    return turns


def _turn(started: Started, seconds: float) -> Turn:
    """Measure memory before any load, warm up in a short round, then load."""
    memory = started.side.memory()
    started.side.measure(max(CONNECTIONS), 1.0)
    return Turn(round(started.seconds, 2), memory, {n: started.side.measure(n, seconds) for n in CONNECTIONS})


def _prepared(folder: Path, peers: Sequence[Peer], task: Task) -> Sides:
    """Return the peers that could be prepared in their environment; the others with the reason."""
    sides = Sides({}, {}, {peer.name for peer in peers if not peer.required})
    for peer in peers:
        scratch = folder / peer.folder
        try:
            python = python_of(peer.folder, peer.place / "requirements.lock")
            prepare(peer, python, task, scratch)
        except (EnvironmentFailed, PeerFailed) as failure:
            sides.absent[peer.name] = str(failure)
            continue
        sides.starts[peer.name] = _starter(peer, python, task, scratch)
    return sides


def _starter(peer: Peer, python: Path, task: Task, scratch: Path) -> Start:
    return lambda: running(peer, python, task, scratch)


def _train(folder: Path) -> None:
    """Train the model's file and its rows into a copy of the project."""
    shutil.copytree(
        HERE / "serving-project", folder / "project", ignore=shutil.ignore_patterns("__pycache__", ".andon")
    )
    place = HERE / "serving-model"
    python = python_of("serving-model", place / "requirements.lock")
    subprocess.run([python, place / "train.py", folder / "project"], check=True, timeout=300)


def _prepared_bodies(folder: Path) -> list[str]:
    """Train, and return what Andon's callers send."""
    _train(folder)
    return _task(folder)[1]


def _task(folder: Path) -> tuple[Task, list[str]]:
    """Return the peers' requests with the right answer to the first, and the same rows for Andon's callers."""
    model, saved = folder / "project" / "model.onnx", np.load(folder / "project" / "rows.npz")
    names, matrix = [str(name) for name in saved["names"]], saved["matrix"][ROWS]
    rows = [dict(zip(names, values, strict=True)) for values in matrix.tolist()]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    score = session.run(["probabilities"], {session.get_inputs()[0].name: matrix[:1].astype(np.float32)})[0][0, 1]
    return Task(model, rows, float(score)), [json.dumps(transfer(n, row)) for n, row in enumerate(rows)]


def transfer(number: int, row: Mapping[str, float]) -> dict[str, object]:
    """All 24 fields of the contract."""
    return {
        "transfer_id": f"transfer-{number}",
        "account_id": f"account-{number}",
        "currency": ("EUR", "USD", "GBP")[number % 3],
        "channel": ("mobile", "web", "branch", "api")[number % 4],
        "country": ("DE", "FR", "NL")[number % 3],
        "beneficiary_country": "XA" if number % 500 == 0 else "ES",
        "instant": number % 2 == 0,
        **dict(list(row.items())[:SENT]),
    }


@contextlib.contextmanager
def _andon(line: Line, load: Load) -> Iterator[Started]:
    """Run everything that `andon up` starts, from the moment it is ready for decisions."""
    began = time.perf_counter()
    with line:
        line.up()
        yield Started(Side(load, lambda: _family(line)), time.perf_counter() - began)


def _family(line: Line) -> Family:
    """Return the gateway and PostgreSQL separately; worker, console and `andon up` are the rest."""
    family: dict[str, list[psutil.Process]] = {"gateway": [], "postgres": [], "rest": []}
    for process in line.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() == "postgres":
                family["postgres"].append(process)
            else:
                family["gateway" if process.cmdline()[-1:] == ["gateway"] else "rest"].append(process)
    return family


def _check_model(project: Path, model: Path) -> None:
    """Check that Andon serves the same file as the peers."""
    served = {
        hashlib.sha256(file.read_bytes()).hexdigest() for file in (project / ".andon" / "models").glob("**/*.onnx")
    }
    if served != {hashlib.sha256(model.read_bytes()).hexdigest()}:
        raise RuntimeError("Andon serves a different model file from the peers")


if __name__ == "__main__":
    sys.exit(main())
