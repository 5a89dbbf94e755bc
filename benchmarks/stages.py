"""The microseconds of a governed decision: each stage by itself, in one process, on the line of `script/bench serving`.

A stage runs on batches of 64 repeatedly; the output is the fastest of many runs, in microseconds a decision, because
any other load only adds time. Recording is measured against a real PostgreSQL as CPU time of this process, since
waiting costs nothing. A gateway under load uses more than the sum: the kernel's work (reading and writing sockets), the
event loop, and colder code.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, perf_counter_ns, process_time
from typing import Any, TypeAlias
from uuid import uuid4

import uvloop
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from andon import audit, decisions
from andon.access.tokens import digest_of
from andon.decisions import UNCONTROLLED, Controls, Decision, DecisionRequest, Line, Seen, Stages, Unlimited, ledger
from andon.decisions.consequences import messages
from andon.decisions.ledger import LedgerEntry
from andon.decisions.metrics import DecisionMetrics
from andon.decisions.passage import Parts, decide
from andon.decisions.plain_recorder import PlainRecorder
from andon.decisions.ports import LedgerWriter
from andon.decisions.predicting import rows_of
from andon.decisions.queue import Item
from andon.decisions.reader import FeatureReader
from andon.decisions.record import digest_of as record_digest
from andon.decisions.record import encode
from andon.decisions.recorder import Recorder
from andon.gateway.answers import answer_of
from andon.kernel.clock import SystemClock
from andon.kernel.config import load
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from andon.kernel.metrics import Metrics
from andon.kernel.postgres.leases import url_of
from andon.testing import endpoint_of
from andon_demo.line import Line as Installation
from benchmarks import serving
from benchmarks.peers.running import ONE_THREAD

BATCH = 64
REPEATS = 300
COMMITS = 80
TOKEN = f"andon_{'0' * 32}_{'0' * 64}"

Stage: TypeAlias = Callable[[], object]


def main() -> int:
    """Measure and print."""
    arguments = argparse.ArgumentParser(prog="script/bench stages", description=__doc__)
    arguments.add_argument(
        "--check", action="store_true", help="accepted, as by every benchmark; there is no goal here"
    )
    arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        serving._train(folder)
        _, bodies = serving._task(folder)
        with Installation(folder / "project", environment=ONE_THREAD) as installation:
            installation.up()
            figures = _measured(folder / "project", [body.encode() for body in bodies[:BATCH]])
    _print(figures)
    print(json.dumps({"benchmark": "stages", "microseconds": figures}))
    return 0


def _measured(project: Path, raws: Sequence[bytes]) -> dict[str, float]:
    automation = decisions.load_file(project / "automation.py")[0]
    package = next(
        folder for folder in (project / ".andon" / "models").iterdir() if (folder / "manifest.json").exists()
    )
    line = decisions.assemble(automation, endpoint_of(package), number=1)
    requests = _requests(line, raws)
    decided = _decided(line, requests)
    figures = {name: _fastest(stage) for name, stage in _stages(line, raws, requests, decided).items()}
    database = Database(url_of(load(project)))
    figures |= uvloop.run(_against_postgresql(database, line, requests))
    database.close()
    return figures


def _stages(
    line: Line, raws: Sequence[bytes], requests: Sequence[DecisionRequest], decided: Sequence[Decision]
) -> dict[str, Stage]:
    """Return each stage over the whole batch, in the order of a decision."""
    arm, now = line.traffic.champion, SystemClock().now()
    inputs = [request.input for request in requests]
    seen = [Seen(decision.features) for decision in decided]
    rows, entries = rows_of(inputs, seen), [LedgerEntry(decision, messages(line, decision)) for decision in decided]
    records, chain = encode(decided), audit.Chain(uuid4())
    return {
        "recognise a key (a new head only)": lambda: [digest_of(TOKEN, b"0" * 64) for _ in raws],
        "read the input by its contract": lambda: [line.contract.read(raw) for raw in raws],
        "make an id": lambda: [uuid7(now) for _ in raws],
        "make the request": lambda: _requests(line, raws, inputs),
        "choose the arm": lambda: [line.traffic.assign(request, "account_id") for request in requests],
        "features": lambda: line.see(requests, {}),
        "encode, predict, calibrate": lambda: arm.loaded.predict(rows),
        "predict, risk gate and policy": lambda: line.judge.judge_now(arm, inputs, seen, UNCONTROLLED, now=now),
        "write the record": lambda: encode(decided),
        "hash the record": lambda: [record_digest(b"0" * 16, record) for record in records],
        "record, hash, leaf and rows": lambda: ledger.prepare(chain, entries, []),
        "write the answer": lambda: [answer_of(decision) for decision in decided],
    }


def _requests(line: Line, raws: Sequence[bytes], inputs: Sequence[Any] | None = None) -> list[DecisionRequest]:
    now = SystemClock().now()
    given = inputs or [line.contract.read(raw) for raw in raws]
    return [
        DecisionRequest(
            id=uuid7(now),
            automation=line.automation.name,
            raw=raw,
            input=one,
            caller="bench",
            correlation_id="0" * 36,
            asked_at=now,
            began_ns=perf_counter_ns(),
        )
        for raw, one in zip(raws, given, strict=True)
    ]


def _decided(line: Line, requests: Sequence[DecisionRequest]) -> list[Decision]:
    made, _ = line.decide(requests, {}, now=SystemClock().now())
    stages = Stages(batch=len(requests))
    return [replace(decision, stages_us=stages) for decision in made]


async def _against_postgresql(database: Database, line: Line, requests: Sequence[DecisionRequest]) -> dict[str, float]:
    """Measure the CPU time of passing a prepared batch to PostgreSQL, and from features to commit by both writers."""
    clock, chain, connection = SystemClock(), audit.Chain(uuid4()), await database.statements()
    reader = FeatureReader(database)
    writers: list[LedgerWriter] = [Recorder(database, clock=clock), PlainRecorder(database, clock=clock)]
    ways = [
        Parts(reader, one, clock, Controls({}), DecisionMetrics(Metrics()), Unlimited(), _unseen) for one in writers
    ]
    sent, whole = list[float](), tuple(list[float]() for _ in ways)
    for _ in range(COMMITS):
        batch = [replace(request, id=uuid7(clock.now())) for request in requests]
        decided = _decided(line, batch)
        leaf, statement = ledger.prepare(chain, [LedgerEntry(one, messages(line, one)) for one in decided], [])
        sent.append(await _cpu_of(connection.execute(statement[0], *statement[1])))
        chain.advance(leaf)
        for parts, taken in zip(ways, whole, strict=True):
            batch = [replace(request, id=uuid7(clock.now())) for request in requests]
            taken.append(await _cpu_of(decide(parts, [_item(line, request) for request in batch])))
    for writer in writers:
        await writer.close()
    await reader.close()
    connection.close()
    fast, plain = (_each(min(taken)) for taken in whole)
    return {
        "send and bind the statement (CPU)": _each(min(sent)),
        "features to commit, in total (CPU)": fast,
        "the same with the plain writer (CPU)": plain,
    }


def _unseen(line: Line, requests: Sequence[DecisionRequest], seen: Sequence[Seen]) -> None:
    """No shadow looks on."""


def _untold(decision: Decision | None, error: BaseException | None) -> None:
    """No caller waits."""


async def _cpu_of(work: Any) -> float:
    began = process_time()
    await work
    return process_time() - began


def _item(line: Line, request: DecisionRequest) -> Item:
    arm = line.traffic.champion
    return Item(request, line, arm, line.traffic.assign(request, "account_id"), _untold)


def _fastest(stage: Stage) -> float:
    taken = []
    for _ in range(REPEATS):
        began = perf_counter()
        stage()
        taken.append(perf_counter() - began)
    return _each(min(taken))


def _each(seconds: float) -> float:
    return round(seconds / BATCH * 1e6, 2)


def _print(figures: dict[str, float]) -> None:
    table = Table(title=f"Microseconds a decision, in batches of {BATCH}", title_justify="left")
    table.add_column("stage")
    table.add_column("µs", justify="right")
    for name, figure in figures.items():
        table.add_row(name, f"{figure:.2f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
