"""All SQL about chores: their holders and their outcomes. Times are those of the database server. Never commits."""

from datetime import datetime, timedelta

from sqlalchemy import text

from andon.kernel.chores.domain import Chore, ChoreState
from andon.kernel.db import Tx

_CLAIM = text("""
INSERT INTO chores AS c (name, interval_seconds, holder, lease_until)
SELECT :name, :interval, :holder, clock_timestamp() + CAST(:span AS interval)
WHERE NOT EXISTS (SELECT FROM chores WHERE name = :name AND holder <> :holder AND lease_until >= clock_timestamp())
ON CONFLICT (name) DO UPDATE SET interval_seconds = excluded.interval_seconds, holder = excluded.holder,
    lease_until = excluded.lease_until
WHERE c.holder IS NULL OR c.holder = excluded.holder OR c.lease_until < clock_timestamp()
RETURNING name
""")
"""A chore held by another worker is not even locked, because every worker polls for it."""

_DONE = text("""
UPDATE chores SET last_run_at = clock_timestamp(), failures = 0 WHERE name = :name AND holder = :holder
""")

_SEEN = text("""
INSERT INTO chores AS c (name, interval_seconds, last_run_at) VALUES (:name, :interval, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET interval_seconds = excluded.interval_seconds, last_run_at = excluded.last_run_at,
    failures = 0
""")

_FAILED = text("""
INSERT INTO chores AS c (name, interval_seconds, failures, last_error, failed_at)
VALUES (:name, :interval, 1, :error, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET failures = c.failures + 1, last_error = excluded.last_error,
    failed_at = excluded.failed_at
""")


def now(tx: Tx) -> datetime:
    """Return the server's clock."""
    moment: datetime = tx.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment


def claim(tx: Tx, chore: Chore, holder: str, span: timedelta) -> bool:
    """Hold a chore for this long from now. Return False if another worker holds it."""
    values = {**_key(chore), "holder": holder, "span": span}
    return tx.execute(_CLAIM, values).one_or_none() is not None


def release(tx: Tx, holder: str) -> None:
    """Release all chores that a worker holds."""
    tx.execute(text("UPDATE chores SET holder = NULL, lease_until = NULL WHERE holder = :holder"), {"holder": holder})


def done(tx: Tx, chore: Chore, holder: str) -> bool:
    """Record the success of a chore. Return False if another worker holds it by now."""
    return tx.execute(_DONE, {"name": chore.name, "holder": holder}).rowcount == 1


def seen(tx: Tx, chore: Chore) -> None:
    """Record the success of a chore that every worker runs."""
    tx.execute(_SEEN, _key(chore))


def failed(tx: Tx, chore: Chore, error: str) -> None:
    """Record the failure of a chore."""
    tx.execute(_FAILED, {**_key(chore), "error": error})


def states(tx: Tx) -> list[ChoreState]:
    """Return the state of every chore that has ever run, by name."""
    rows = tx.execute(
        text(
            "SELECT name, interval_seconds, holder, last_run_at, last_error, failed_at, failures FROM chores "
            "ORDER BY name"
        )
    )
    return [
        ChoreState(
            row.name,
            timedelta(seconds=row.interval_seconds),
            row.holder,
            row.last_run_at,
            row.last_error,
            row.failed_at,
            row.failures,
        )
        for row in rows
    ]


def _key(chore: Chore) -> dict[str, object]:
    return {"name": chore.name, "interval": chore.interval.total_seconds()}
