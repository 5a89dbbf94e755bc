"""Rows of a table, files that are dropped and moments of a schedule become decisions, as a worker reads them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import text
from tests.integration.streams.streaming import Counting, decided, reading, rows, run, scalar, sound, streaming, until

from andon import Trigger, files, schedule, table
from andon.kernel.db import Database
from andon.streams.sources import FileSource, ScheduleSource, table_source
from andon.testing import START, FakeClock
from automations import payment


def test_rows_of_a_table_are_decided_while_many_write_to_it(database: Database, tmp_path: Path) -> None:
    """Eight writers commit in any order, some roll back; each row that is there is decided once."""
    trigger = table("payments", at="made_at")
    installation = streaming(database, tmp_path, trigger)
    with database.begin() as tx:
        tx.execute(
            text(
                "CREATE TABLE payments (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payment_id text, "
                "account text, amount float8, made_at timestamptz DEFAULT clock_timestamp())"
            )
        )

    async def write(writer: int) -> None:
        connection = await database.connect()
        for batch in range(15):
            transaction = connection.transaction()
            await transaction.start()
            for row in range(writer % 3 + 1):
                await connection.execute(
                    "INSERT INTO payments (payment_id, account, amount) VALUES ($1, $2, 5)",
                    f"{writer}-{batch}-{row}",
                    f"a{writer}",
                )
                await asyncio.sleep(0.001 * (writer + batch) % 0.004)
            await (transaction.rollback() if batch % 5 == 4 else transaction.commit())
        await connection.close()

    async def test() -> None:
        source = table_source(database.connect, trigger.place, **trigger.options)
        async with reading(installation, source):
            await asyncio.gather(*(write(writer) for writer in range(8)))
            there = scalar(installation, "SELECT count(*) FROM payments")
            await until(lambda: decided(installation) == there)

    run(test)
    seen = {
        row[0] for row in rows(installation, "SELECT convert_from(record, 'utf8')::json->'input'->>'id' FROM decisions")
    }
    assert seen == {str(row[0]) for row in rows(installation, "SELECT id FROM payments")}


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        ("timestamptz", ("infinity", "-infinity", "20000-01-01", "0044-03-15 BC")),
        ("date", ("infinity", "5874897-12-31", "0044-03-15 BC")),
        ("text", ("", "soon", "2026-13-01", "0001-01-01T00:00:00+02:00")),
    ],
)
def test_a_row_that_came_about_at_no_moment_is_dead_and_the_rows_around_it_are_decided(
    database: Database, tmp_path: Path, kind: str, odd: Sequence[str]
) -> None:
    """Other columns may hold the same: what they hold is text in the input."""
    trigger = table("payments", at="made_at")
    installation = streaming(database, tmp_path, trigger)
    with database.begin() as tx:
        columns = f"payment_id text, account text, amount float8, made_at {kind}, due timestamptz, limits float8"
        tx.execute(text(f"CREATE TABLE payments (id bigint GENERATED ALWAYS AS IDENTITY, {columns})"))
        for made_at in ("2026-11-20", *odd, "2026-11-21"):
            tx.execute(
                text(
                    "INSERT INTO payments (payment_id, account, amount, made_at, due, limits) "
                    f"VALUES ('p', 'a', 5, CAST(:at AS {kind}), '20000-01-01', 'NaN'), ('p', 'a', 5, NULL, "
                    "'infinity', '-inf')"
                ),
                {"at": made_at},
            )

    async def test() -> None:
        async with reading(installation, table_source(database.connect, trigger.place, **trigger.options)):
            await until(lambda: decided(installation) == len(odd) + 4)
            await until(lambda: scalar(installation, "SELECT sum(dead)::int FROM stream_partitions") == len(odd))

    run(test)
    happened = rows(
        installation, "SELECT convert_from(record, 'utf8')::json->>'happened_at' AS at FROM decisions ORDER BY at"
    )
    assert [row.at for row in happened[:2]] == ["2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"]
    assert {row.at for row in happened[2:]} == {None}
    dead = rows(installation, "SELECT reason FROM dead_events ORDER BY position")
    assert all(row.reason.startswith(f"Its row was created at '{at[:10]}") for row, at in zip(dead, odd, strict=True))


def test_dropped_files_are_decided_and_moved_away(database: Database, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    installation = streaming(database, tmp_path, files("drop", known_by="payment_id"))
    (drop / "a.csv").write_text("payment_id,account,amount,country\np1,a1,50.0,DE\np2,a1,x,DE\np3,a1,70,FR\n")
    (drop / "b.ndjson").write_text('{"payment_id": "p4", "account": "a2", "amount": 5}\n\n{"payment_id": "p1"\n')
    (drop / ".half.csv").write_text("payment_id,acc")
    duckdb.sql("SELECT 'p' || i AS payment_id, 'a3' AS account, i * 1.0 AS amount FROM range(3, 6) t(i)").write_parquet(
        str(drop / "c.parquet")
    )

    async def test() -> None:
        async with reading(installation, FileSource(drop, known_by="payment_id")):
            await until(lambda: {path.name for path in drop.glob("done/*")} == {"a.csv", "b.ndjson", "c.parquet"})
            await until(lambda: rows(installation, "SELECT partition FROM stream_partitions") == [("(done)",)])
            (drop / "a.csv").write_text("payment_id,account,amount,country\np3,a1,50.0,DE\np9,a1,9,DE\n")
            await until(lambda: (drop / "done" / "a-1.csv").exists())

    run(test)
    seen = rows(
        installation, "SELECT convert_from(record, 'utf8')::json->'input'->>'payment_id' FROM decisions ORDER BY 1"
    )
    assert [row[0] for row in seen] == ["p1", "p3", "p4", "p5", "p9"]
    assert sound(installation)
    dead = rows(installation, "SELECT partition, position, faults FROM dead_events ORDER BY partition")
    assert [(row[0], row[1]) for row in dead] == [("a.csv", 1), ("b.ndjson", 1)]
    assert dead[0][2][0]["where"] == "input.amount"
    assert (drop / ".half.csv").exists()


def test_files_that_cannot_be_read_are_named_and_the_others_are_decided_and_moved_away(
    database: Database, tmp_path: Path
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    installation = streaming(database, tmp_path, files("drop"))
    broken = {f"broken-{number}.parquet" for number in range(5)}
    for name in broken:
        (drop / name).write_bytes(b"PAR1" + bytes(range(256)))
    watch = Counting()

    async def test() -> None:
        async with reading(installation, FileSource(drop), watch=watch):
            for name in ("a.csv", "z.csv"):
                (drop / name).write_text(f"payment_id,account,amount,country\n{name},a1,50.0,DE\n")
            await until(lambda: {path.name for path in drop.glob("done/*")} == {"a.csv", "z.csv"})
            await until(
                lambda: all(name in (scalar(installation, "SELECT problem FROM streams") or "") for name in broken)
            )
            await until(lambda: watch.partitions == len(broken))
            for name in broken:
                (drop / name).unlink()
            await until(lambda: scalar(installation, "SELECT problem FROM streams") is None)

    run(test)
    assert (decided(installation), watch.lag) == (2, 0)


def _due(due: Mapping[str, object]) -> Mapping[str, object]:
    return dict(payment(1, payment_id=str(due["scheduled_at"]), amount=float(str(due["missed"])) + 1))


def test_a_schedule_is_decided_once_a_moment_and_only_the_newest_after_a_pause(
    database: Database, tmp_path: Path
) -> None:
    trigger: Trigger = schedule("*/10 * * * *", read=_due)
    installation = streaming(database, tmp_path, trigger)
    clock = FakeClock(START + timedelta(minutes=5))

    def source() -> ScheduleSource:
        return ScheduleSource("payments/ten", trigger.place, timezone="UTC", catch_up=False, clock=clock)

    def moments() -> list[tuple[str, str]]:
        return [
            tuple(row)
            for row in rows(
                installation,
                "SELECT convert_from(record, 'utf8')::json->'input'->>'payment_id', "
                "convert_from(record, 'utf8')::json->'input'->>'amount' FROM decisions ORDER BY 1",
            )
        ]

    async def test() -> None:
        async with reading(installation, source()), reading(installation, source()):
            await until(lambda: scalar(installation, "SELECT count(seek) = 0 AND count(*) = 1 FROM stream_partitions"))
            clock.set(START + timedelta(minutes=10))
            await until(lambda: decided(installation) == 1)
        clock.set(START + timedelta(minutes=47))
        async with reading(installation, source()):
            await until(lambda: decided(installation) == 2)
            await asyncio.sleep(0.3)
        first, newest = START + timedelta(minutes=10), START + timedelta(minutes=40)
        assert moments() == [(first.isoformat(), "1.0"), (newest.isoformat(), "3.0")]

    run(test)
