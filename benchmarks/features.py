"""Window reads and updates in batches of 256 in a real PostgreSQL, against a SELECT over raw events per decision.

The velocity windows of transfer screening (count, sum and max of an account's amounts over 10 minutes, an hour and 24
hours), and then a richer line: amounts of an account over 10 minutes and an hour with their standard deviation,
its countries over 24 hours (count, distinct, last, since), and a beneficiary's receipts over an hour. A day of history
exists beforehand. Accounts and beneficiaries are as unevenly busy as in life (Zipf). Each round reads the windows of a
batch, computes the features, and writes the additions in a commit of its own with fsync; in a gateway that commit is
the decisions' own, so this is the upper bound. The plain approach keeps each event as a row with indexes, and queries
and inserts one by one, one transaction a decision. Goal: for the richer windows, which both compute, at most a fifth of
the plain approach's time a decision.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import asyncpg
import numpy as np
import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from andon import Window, features, migrations
from andon.bootstrap.memory import settle_memory
from andon.decisions.reader import FeatureReader
from andon.features import FeatureSet
from andon.kernel import postgres
from andon.kernel.db import Database
from andon.kernel.statements import Statements
from benchmarks import goals
from benchmarks.goals import Goal, at_most, ratio

GOAL = 0.2
BATCH = 256
BATCHES = 80
PLAIN = 400
ACCOUNTS, BENEFICIARIES = 20_000, 50_000
HISTORY = 60_000
PRELOADED_AT_ONCE = 3_000
ROUNDS = 3
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
COUNTRIES = ("DE", "FR", "IT", "ES", "NL", "PL", "AT", "CH", "US", "GB")

VELOCITY = (Window("amount", by="account", over=("10m", "1h", "24h"), aggregates=("count", "sum", "max")),)
"""As in `examples/transfer_screening`."""

RICHER = (
    Window("amount", by="account", over=("10m", "1h"), aggregates=("count", "sum", "max", "std")),
    Window("country", by="account", over=("24h",), aggregates=("count", "distinct", "last", "since")),
    Window("amount", by="beneficiary", over=("1h",), aggregates=("count", "sum"), name="received"),
)

RAW = """
CREATE TABLE raw_events (account text, beneficiary text, amount float8, country text, at timestamptz);
CREATE INDEX raw_by_account ON raw_events (account, at);
CREATE INDEX raw_by_beneficiary ON raw_events (beneficiary, at);
"""

PLAIN_READ = """
SELECT count(*) FILTER (WHERE at > $2::timestamptz - interval '10 min'),
       sum(amount) FILTER (WHERE at > $2::timestamptz - interval '10 min'),
       max(amount) FILTER (WHERE at > $2::timestamptz - interval '10 min'),
       stddev_samp(amount) FILTER (WHERE at > $2::timestamptz - interval '10 min'),
       count(*) FILTER (WHERE at > $2::timestamptz - interval '1 hour'),
       sum(amount) FILTER (WHERE at > $2::timestamptz - interval '1 hour'),
       max(amount) FILTER (WHERE at > $2::timestamptz - interval '1 hour'),
       stddev_samp(amount) FILTER (WHERE at > $2::timestamptz - interval '1 hour'),
       count(*), sum(amount), max(amount), stddev_samp(amount), count(DISTINCT country),
       (array_agg(country ORDER BY at DESC))[1], max(at),
       (SELECT row(count(*), sum(amount)) FROM raw_events
        WHERE beneficiary = $3 AND at > $2::timestamptz - interval '1 hour' AND at <= $2::timestamptz)
FROM raw_events WHERE account = $1 AND at > $2::timestamptz - interval '1 day' AND at <= $2::timestamptz
"""

PLAIN_WRITE = "INSERT INTO raw_events (account, beneficiary, amount, country, at) VALUES ($1, $2, $3, $4, $5)"


class Round(NamedTuple):
    """Microseconds a decision: in all, for each part, and the CPU time of this process and of PostgreSQL."""

    whole: float
    read: float
    compute: float
    update: float
    process_cpu: float
    server_cpu: float


def main() -> int:
    """Measure, print, and with --check report whether the goal was reached."""
    arguments = argparse.ArgumentParser(prog="script/bench features", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when the goal is missed")
    check = arguments.parse_args().check
    settle_memory(young=100_000)  # as workers do
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as name:
        Path(name).chmod(0o711)
        with postgres.lend(Path(name) / "postgres") as server:
            database = Database(server.url)
            migrations.ensure(database)
            try:
                rounds, richer, plain = uvloop.run(_measured(database))
            finally:
                database.close()
    best, rich, slow = _median(rounds), _median(richer), round(statistics.median(plain), 1)
    _print(best, rich, slow)
    judged = goals_of(rich["whole"], slow)
    Console().print(goals.table_of(judged))
    figures = {"microseconds": best, "richer_microseconds": rich, "plain_microseconds": slow}
    print(json.dumps({"benchmark": "features", "batch": BATCH, **figures, **goals.as_json(judged)}))
    return 1 if check and goals.missed(judged) else 0


def goals_of(richer: float, plain: float) -> list[Goal]:
    """Judge the microseconds of a decision with the richer windows, which the plain approach computes as well."""
    return [at_most("time of a decision against the plain approach's", ratio(richer, plain), GOAL)]


def _median(rounds: Sequence[Round]) -> dict[str, float]:
    return {name: round(statistics.median(getattr(one, name) for one in rounds), 1) for name in Round._fields}


async def _measured(database: Database) -> tuple[list[Round], list[Round], list[float]]:
    rng = np.random.default_rng(7)
    connection, lines = await database.connect(), [_line("story", VELOCITY), _line("richer", RICHER)]
    reader, statements = FeatureReader(database), await database.statements()
    measured: list[list[Round]] = [[], []]
    plain = []
    with Console(stderr=True).status("a day of history") as status:
        await _preload(database, connection, lines, rng)
        for line in lines:
            await _tiles(connection, reader, statements, line, rng, NOW, 10)
        for number in range(ROUNDS):
            status.update(f"round {number + 1} of {ROUNDS}")
            begin = NOW + timedelta(seconds=30 * number + 10)
            for line, rounds in zip(lines, measured, strict=True):
                rounds.append(await _tiles(connection, reader, statements, line, rng, begin, BATCHES))
            plain.append(await _plainly(connection, rng, begin))
    statements.close()
    await reader.close()
    await connection.close()
    return measured[0], measured[1], plain


def _line(name: str, windows: Sequence[Window]) -> FeatureSet:
    return FeatureSet(name, windows, lateness=timedelta(hours=1))


async def _preload(
    database: Database, connection: asyncpg.Connection, lines: Sequence[FeatureSet], rng: np.random.Generator
) -> None:
    await connection.execute(RAW)
    with database.begin() as tx:
        features.register(tx, [series for line in lines for series in line.series])
    ages = np.sort(rng.uniform(0, 86_400, HISTORY))[::-1]
    moments = [NOW - timedelta(seconds=float(age)) for age in ages]
    inputs = _inputs(rng, HISTORY)
    for first in range(0, HISTORY, PRELOADED_AT_ONCE):
        part, at = inputs[first : first + PRELOADED_AT_ONCE], moments[first : first + PRELOADED_AT_ONCE]
        for line in lines:
            deltas = line.compute(part, at, {}).deltas
            await connection.execute(features.insert_sql(1, more=True), *features.columns_of(deltas, more=True))
        rows = [(i["account"], i["beneficiary"], i["amount"], i["country"], m) for i, m in zip(part, at, strict=True)]
        columns = ["account", "beneficiary", "amount", "country", "at"]
        await connection.copy_records_to_table("raw_events", records=rows, columns=columns)
    _keep_house(database)
    await connection.execute("VACUUM ANALYZE feature_tiles")
    await connection.execute("VACUUM ANALYZE raw_events")


def _keep_house(database: Database) -> None:
    """Grow the tiles that only a day looks at, as the worker has done by then."""
    pruned = features.PRUNED_AT_ONCE
    while pruned == features.PRUNED_AT_ONCE:
        with database.begin() as tx:
            pruned = features.prune(tx, NOW)


async def _tiles(
    connection: asyncpg.Connection,
    reader: FeatureReader,
    statements: Statements,
    line: FeatureSet,
    rng: np.random.Generator,
    begin: datetime,
    batches: int,
) -> Round:
    """Run batches one after the other, like a gateway under load, and in the same way to PostgreSQL."""
    server = _server_of(connection)
    read = compute = update = 0.0
    cpu, server_cpu = process_time(), _cpu_of(server)
    for number in range(batches):
        inputs = _inputs(rng, BATCH)
        at = [begin + timedelta(seconds=0.25 * number)] * BATCH
        began = perf_counter()
        snapshot = await reader.read(line.needs(inputs, at))
        seen = perf_counter()
        deltas = line.compute(inputs, at, snapshot).deltas
        computed = perf_counter()
        more = features.has_more(deltas)
        await statements.execute(features.insert_sql(1, more=more), *features.columns_of(deltas, more=more))
        done = perf_counter()
        read, compute, update = read + seen - began, compute + computed - seen, update + done - computed
    each = 1e6 / (batches * BATCH)
    used = (process_time() - cpu, _cpu_of(server) - server_cpu)
    return Round(
        (read + compute + update) * each, read * each, compute * each, update * each, *(u * each for u in used)
    )


async def _plainly(connection: asyncpg.Connection, rng: np.random.Generator, at: datetime) -> float:
    """Return the microseconds a decision when each one queries by itself."""
    inputs = _inputs(rng, PLAIN)
    began = perf_counter()
    for one in inputs:
        async with connection.transaction():
            await connection.execute(PLAIN_WRITE, one["account"], one["beneficiary"], one["amount"], one["country"], at)
            await connection.fetchrow(PLAIN_READ, one["account"], at, one["beneficiary"])
    return (perf_counter() - began) / PLAIN * 1e6


def _inputs(rng: np.random.Generator, size: int) -> list[dict[str, Any]]:
    accounts, beneficiaries = _busy(rng, ACCOUNTS, size), _busy(rng, BENEFICIARIES, size)
    amounts, countries = rng.lognormal(4, 1, size), rng.integers(0, len(COUNTRIES), size)
    return [
        {"account": f"account-{a}", "beneficiary": f"DE{b:020}", "amount": round(float(m), 2), "country": COUNTRIES[c]}
        for a, b, m, c in zip(accounts, beneficiaries, amounts, countries, strict=True)
    ]


def _busy(rng: np.random.Generator, of: int, size: int) -> Sequence[int]:
    """Draw numbers below `of`, the small ones more often: the n-th with a weight of 1/n."""
    return [int(number) for number in np.exp(rng.uniform(0, np.log(of), size)).astype(int)]


def _server_of(connection: asyncpg.Connection) -> list[psutil.Process]:
    """Return all processes of the server: both backends, and those that write the log and the pages."""
    server = psutil.Process(connection.get_server_pid()).parent()
    return [] if server is None else server.children()


def _cpu_of(processes: Sequence[psutil.Process]) -> float:
    return sum(process.cpu_times().user + process.cpu_times().system for process in processes)


def _print(figures: dict[str, float], richer: dict[str, float], plain: float) -> None:
    table = Table(title=f"Microseconds a decision, batches of {BATCH}, median of {ROUNDS} rounds", title_justify="left")
    for column in ("", "velocity windows", "richer windows"):
        table.add_column(column, justify="right" if column else "left")
    shown = {
        "read the tiles": "read",
        "compute the features": "compute",
        "write the tiles and commit": "update",
        "in total": "whole",
        "of that CPU of this process": "process_cpu",
        "of that CPU of PostgreSQL": "server_cpu",
    }
    for name, field in shown.items():
        table.add_row(name, f"{figures[field]:,.1f}", f"{richer[field]:,.1f}")
    table.add_row("the plain approach: SELECT and INSERT a decision", "", f"{plain:,.1f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
