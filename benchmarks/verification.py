"""The speed of verifying the audit log, compared with another commit: the same log, in turns, in one run.

The benchmark makes the log: groups of decisions with records of every declared field, in sealed chains of several
writers. In each round both commits verify it completely. At the end this commit verifies a hundred more groups,
from the checkpoint before them.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from rich.console import Console
from rich.table import Table

from andon import audit, migrations
from andon.decisions import RECORDED, LedgerEvidence
from andon.decisions.shape import FIELDS, RECORD_SHAPE
from andon.decisions.shaping import columns_of_record
from andon.kernel import postgres
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from benchmarks import goals
from benchmarks.goals import at_least

ROOT = Path(__file__).parent.parent
TIMES = 3.0
"""The factor by which a complete verification should be faster than by the other commit."""

WRITERS = 4
_PLAIN: dict[Any, Any] = {str: "text", int: 7, float: 0.25, bool: True}

_VERIFY = """
import json, os, resource, sys, time
from andon import audit
from andon.decisions import RECORDED, LedgerEvidence
from andon.kernel.db import Database
database = Database(sys.argv[1])
used = resource.getrusage(resource.RUSAGE_SELF)
began, before = time.perf_counter(), used.ru_utime + used.ru_stime
with database.snapshot() as tx:
    report = audit.verify(tx, evidence={RECORDED: LedgerEvidence()})
took = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime - before
print(json.dumps({"seconds": took, "cpu_seconds": cpu, "entries": report.entries, "ok": report.ok, "peak_mb": peak}))
"""


def _record(number: int, moment: datetime, shape: int) -> tuple[UUID, bytes]:
    """Return a decision's id and record, with a value in every field that its shape has."""
    identifier = uuid7(moment)
    record: dict[str, Any] = {"shape": shape}
    for field in FIELDS.values():
        if not field.record or field.since > shape:
            continue
        *parts, key = field.record.split(".")
        place = record
        for part in parts:
            place = place.setdefault(part, {})
        if not isinstance(place.get(key), dict):
            place[key] = _value(field.type, identifier, moment)
    record["id"] = str(identifier)
    record["input"] = {f"field_{at}": number * at + 0.5 for at in range(12)}
    return identifier, json.dumps(record, separators=(",", ":")).encode()


def _value(kind: Any, identifier: UUID, moment: datetime) -> Any:
    if kind is datetime:
        return moment.isoformat()
    if kind is UUID:
        return str(identifier)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    given = str(kind)
    return None if "None" in given else [] if "tuple" in given else {}


def fill(database: Database, groups: int, size: int, shape: int) -> None:
    """Write this many groups of this many decisions each, with records of this shape, and seal them."""
    chains = [audit.Chain(uuid4()) for _ in range(WRITERS)]
    began = datetime.now(UTC) - timedelta(hours=1)
    columns, of_record = [], columns_of_record(shape)
    for number in range(groups):
        chain, moment = chains[number % WRITERS], began + timedelta(milliseconds=number)
        rows = []
        for at in range(size):
            identifier, record = _record(number * size + at, moment, shape)
            rows.append((identifier, os.urandom(16), record))
        body = b"".join(one.bytes + sha256(salt + record).digest() for one, salt, record in rows)
        leaf = chain.link(actor="platform", action=RECORDED, subject=f"decisions:{size}", body=body, at=moment)
        chain.advance(leaf)
        columns.append((leaf, rows))
        if len(columns) == 500:
            _write(database, columns, of_record)
            columns = []
    _write(database, columns, of_record)
    with database.begin() as tx:
        audit.seal(tx, datetime.now(UTC))


def _write(database: Database, groups: Sequence[Any], of_record: Any) -> None:
    if not groups:
        return
    names: list[str] = []
    with database.engine.begin() as tx:
        cursor = tx.connection.cursor()
        with cursor.copy(f"COPY audit_entries ({_leaf_names()}) FROM STDIN") as copy:
            for leaf, _ in groups:
                copy.write_row(audit.values_of(leaf))
        rows = []
        for leaf, group in groups:
            for identifier, salt, record in group:
                values = of_record(json.loads(record)) | {
                    "writer": leaf.writer,
                    "seq": leaf.seq,
                    "salt": salt,
                    "record": record,
                }
                values |= {"id": identifier, "latency_us": 7}
                names = names or list(values)
                rows.append([values[name] for name in names])
        with cursor.copy(f"COPY decisions ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _leaf_names() -> str:
    return "writer, seq, prev_hash, hash, at, actor, action, subject, body"


def verified(url: str, source: Path) -> dict[str, Any]:
    """Return the result, time and peak memory of a complete verification by the code in a folder."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    done = subprocess.run(
        [sys.executable, "-c", _VERIFY, url], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"verifying by {source} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    if not found["ok"]:
        raise SystemExit(f"{source} finds the log altered")
    return found


def shape_of(source: Path) -> int:
    """Return the newest shape of records that both the code in a folder and this code read."""
    declared = re.search(r"^RECORD_SHAPE = (\d+)$", (source / "andon/decisions/shape.py").read_text(), re.MULTILINE)
    if declared is None:
        raise SystemExit("the other commit declares no RECORD_SHAPE: choose a later one")
    return min(RECORD_SHAPE, int(declared[1]))


def unpacked(ref: str, folder: Path) -> Path:
    """Unpack the source of another commit."""
    git = shutil.which("git") or "git"
    packed = subprocess.run([git, "-C", ROOT, "archive", ref, "src"], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


def main() -> int:
    """Measure, print, and with --check report whether the goal was reached."""
    arguments = argparse.ArgumentParser(prog="script/bench verification", description=__doc__)
    arguments.add_argument("--against", required=True, help="the other commit")
    arguments.add_argument("--groups", type=int, default=6000, help="group entries in the log")
    arguments.add_argument("--size", type=int, default=8, help="decisions in each")
    arguments.add_argument("--rounds", type=int, default=3, help="complete verifications by each side")
    arguments.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        other = unpacked(wanted.against, Path(name) / "other")
        shape = shape_of(other)
        with postgres.lend(Path(name) / "postgres") as server:
            database = Database(server.url)
            migrations.ensure(database)
            try:
                fill(database, wanted.groups, wanted.size, shape)
                before, ours = [], []
                for _ in range(wanted.rounds):
                    before.append(verified(server.url, other))
                    ours.append(verified(server.url, ROOT / "src"))
                further = _further(database, wanted.size, shape)
            finally:
                database.close()
    slow, fast = (statistics.median(one["seconds"] for one in side) for side in (before, ours))
    table = Table(
        "side", "seconds", "CPU seconds", "peak MB", title=f"{wanted.groups:,} groups of {wanted.size} decisions"
    )
    table.add_row(wanted.against, f"{slow:.2f}", f"{before[0]['cpu_seconds']:.2f}", f"{before[0]['peak_mb']:.0f}")
    table.add_row("this commit", f"{fast:.2f}", f"{ours[0]['cpu_seconds']:.2f}", f"{ours[0]['peak_mb']:.0f}")
    table.add_row("this commit, incremental", f"{further:.2f}", "", "")
    Console().print(table)
    judged = [
        at_least("a complete verification against the other commit's, times as fast", slow / fast, TIMES),
        at_least("an incremental one against a complete one of the other commit, times as fast", slow / further, TIMES),
    ]
    Console().print(goals.table_of(judged))
    figures = {"before_seconds": slow, "seconds": fast, "incremental_seconds": further}
    print(json.dumps({"benchmark": "verification", **figures, **goals.as_json(judged)}))
    return 1 if wanted.check and goals.missed(judged) else 0


def _further(database: Database, size: int, shape: int) -> float:
    """Measure the seconds of an incremental verification of a hundred more groups."""
    evidence = {RECORDED: LedgerEvidence()}
    with database.snapshot() as tx:
        since = audit.verify(tx, evidence=evidence).verified
    fill(database, 100, size, shape)
    began = time.perf_counter()
    with database.snapshot() as tx:
        report = audit.verify(tx, evidence={RECORDED: LedgerEvidence()}, since=since)
    if not report.ok or report.read != 100:
        raise SystemExit(f"the incremental verification read {report.read} entries and found {report.findings[:3]}")
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
