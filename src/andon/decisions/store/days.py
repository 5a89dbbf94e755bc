"""SQL about the ledger's partitions, one per day."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select, text

from andon.decisions.tables import decisions
from andon.kernel.db import Tx
from andon.kernel.ids import floor_of

SAMPLED = 10
"""The statistics target of each column: ANALYZE looks at three hundred times as many rows.

The rows are wide, so that each is on a page of its own. Until ANALYZE has read the last one, no process can clean up
after windows and messages.
"""

UNCOMPRESSED = 8160
"""Rows up to this many bytes, the most PostgreSQL allows, are stored as they are.

Above its default of 2 kB it would compress each record, which costs as much as the rest of the insert.
"""


def plan(tx: Tx, day: datetime) -> bool:
    """Create the partition of a day if it is missing; return False if decisions of that day exist already.

    Such a day cannot have a partition. Raises DatabaseUnavailable at the end of the transaction if readers keep it
    waiting.
    """
    name, low, high = f"decisions_{day:%Y_%m_%d}", floor_of(day), floor_of(day + timedelta(days=1))
    begun = select(exists().where(decisions.c.id >= low, decisions.c.id < high))
    if _is_there(tx, name):
        return True
    tx.execute(text("SET LOCAL lock_timeout = '1s'"))
    # One process plans at a time: two that had both looked at the ledger would wait for each other's lock on it.
    tx.execute(text("LOCK TABLE decisions_unplanned IN SHARE UPDATE EXCLUSIVE MODE"))
    if _is_there(tx, name):  # created by another process while we waited
        return True
    if tx.execute(begun).scalar_one():
        return False
    tx.execute(text("LOCK TABLE decisions_unplanned IN ACCESS EXCLUSIVE MODE"))
    if tx.execute(begun).scalar_one():  # decided by another process while we waited
        return False
    # Created outside the ledger and then attached: creating it inside would lock the whole ledger.
    tx.execute(text(f"CREATE TABLE {name} (LIKE decisions INCLUDING ALL)"))
    sampled = ", ".join(f"ALTER COLUMN {column.name} SET STATISTICS {SAMPLED}" for column in decisions.c)
    tx.execute(text(f"ALTER TABLE {name} {sampled}, SET (toast_tuple_target = {UNCOMPRESSED})"))
    tx.execute(text(f"ALTER TABLE decisions ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')"))
    return True


def _is_there(tx: Tx, table: str) -> bool:
    return tx.execute(text("SELECT to_regclass(:name)"), {"name": table}).scalar_one() is not None
