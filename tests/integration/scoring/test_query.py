"""The rows of a query: taken once, with their own types, by a transaction that may only read."""

from pathlib import Path

import pytest
from sqlalchemy import text

from andon.kernel.db import Database
from andon.kernel.errors import AndonError
from andon.scoring import ColumnMissing, Fetched, QueryInvalid, QueryUnavailable, SourceRow, fetch

CONTRACT = ["id", "amount", "at", "ok", "extra", "name"]
QUERY = """
SELECT 7 AS id, 1.50::numeric AS amount, '2026-06-01 10:00+02'::timestamptz AS at, true AS ok,
       '{"a":\n "x\\ty"}'::json AS extra, E'NA\\n' AS name, 'left' AS out, 'k' AS key
UNION ALL SELECT 8, NULL, NULL, NULL, NULL, NULL, NULL, NULL -- the second
"""


def fetched(database: Database, into: Path, query: str, keep: tuple[str, ...] = ()) -> list[str]:
    return fetch(database.url, query, CONTRACT, keep, into, lambda _: None)


def test_rows_keep_their_types_and_what_is_kept_stands_beside(database: Database, tmp_path: Path) -> None:
    into = tmp_path / "rows"
    assert fetched(database, into, QUERY, ("key", "id")) == ["out"]
    rows = Fetched(into)
    assert (rows.count(), rows.keep, into.stat().st_mode & 0o777) == (2, ("key", "id"), 0o600)
    first, second = rows
    assert first == SourceRow(
        b'{"id":7,"amount":1.50,"at":"2026-06-01T08:00:00+00:00","ok":true,"extra":{"a":  "x\\ty"},"name":"NA\\n"}',
        ("k", "7"),
    )
    assert second == SourceRow(b'{"id":8,"amount":null,"at":null,"ok":null,"extra":null,"name":null}', (None, "8"))
    assert list(tmp_path.iterdir()) == [into]


def test_many_rows_come_in_pieces_and_are_counted_as_they_come(database: Database, tmp_path: Path) -> None:
    seen = list[int]()
    fetch(database.url, "SELECT n AS id FROM generate_series(1, 4500) n", CONTRACT, (), tmp_path / "rows", seen.append)
    assert seen == [2000, 2000, 500]
    assert [row.raw for row in Fetched(tmp_path / "rows")][4499] == b'{"id":4500}'


@pytest.mark.parametrize(
    ("query", "keep", "kind", "said"),
    [
        ("DELETE FROM claims RETURNING *", (), QueryInvalid, "syntax error"),
        ("SELECT lo_create(0) AS id", (), QueryInvalid, "read-only transaction"),
        (
            "WITH gone AS (DELETE FROM claims RETURNING *) SELECT * FROM gone",
            (),
            QueryInvalid,
            "The query cannot be carried out: WITH clause containing a data-modifying statement must be at the top",
        ),
        (
            "SELECT 1 AS id) AS x; DROP TABLE claims; SELECT * FROM (SELECT 1 AS id",
            (),
            QueryInvalid,
            "The query cannot be carried out: cannot execute DROP TABLE in a read-only transaction",
        ),
        ("SELECT nothing FROM claims", (), QueryInvalid, 'column "nothing" does not exist'),
        ("SELECT 1 AS id, 2 AS id", (), QueryInvalid, "two columns called 'id'"),
        ("SELECT 1 AS one", (), QueryInvalid, "None of the query's columns"),
        ("SELECT 1 AS id", ("key",), ColumnMissing, "no column 'key'"),
        ("SELECT 1/(n-3) AS id FROM generate_series(1, 9) n", (), QueryInvalid, "division by zero"),
    ],
)
def test_what_cannot_be_taken_is_said_and_changes_nothing(
    database: Database, tmp_path: Path, query: str, keep: tuple[str, ...], kind: type[AndonError], said: str
) -> None:
    with database.begin() as tx:
        tx.execute(text("CREATE TABLE claims (id int)"))
        tx.execute(text("INSERT INTO claims VALUES (1)"))
    with pytest.raises(kind, match=said):
        fetched(database, tmp_path / "rows", query, keep)
    assert list(tmp_path.iterdir()) == []
    with database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM claims")).scalar_one() == 1


def test_a_query_that_takes_longer_than_its_role_may_is_invalid_and_not_retried(
    database: Database, tmp_path: Path
) -> None:
    with database.begin() as tx:
        tx.execute(text("ALTER ROLE CURRENT_USER SET statement_timeout = '100ms'"))
    try:
        with pytest.raises(QueryInvalid, match="canceling statement due to statement timeout"):
            fetched(database, tmp_path / "rows", "SELECT 1 AS id FROM pg_sleep(30)")
    finally:
        with database.begin() as tx:
            tx.execute(text("ALTER ROLE CURRENT_USER RESET statement_timeout"))


def test_a_database_that_does_not_answer_is_said_without_its_address(tmp_path: Path) -> None:
    away = "postgresql://somebody:secret-word@127.0.0.1:9/none"
    with pytest.raises(QueryUnavailable) as failed:
        fetch(away, "SELECT 1 AS id", CONTRACT, (), tmp_path / "rows", lambda _: None)
    assert "secret-word" not in str(failed.value)
