"""All SQL that divides the ledger into parts of about equal size, and reads one part."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from andon.kernel.db import Tx, fetch_binary
from andon.kernel.ids import floor_of

_CUTS = text("""
SELECT id FROM (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM decisions WHERE id >= :first AND id < :end
) numbered WHERE n % :size = 0 ORDER BY id
""")

_NEWEST = text("""
SELECT id FROM (
    SELECT id FROM decisions WHERE automation = :automation AND id >= :first AND id < :end ORDER BY id DESC LIMIT :last
) newest ORDER BY id LIMIT 1
""")

_RECORDS = """
SELECT record FROM decisions WHERE automation = %(automation)s AND id >= %(first)s AND id < %(end)s ORDER BY id
"""

_VERSIONS = text("""
SELECT DISTINCT automation_version FROM decisions WHERE automation = :automation AND id >= :first AND id < :end
""")


def cuts(tx: Tx, since: datetime, until: datetime, size: int, *, newest: tuple[str, int] | None) -> Sequence[UUID]:
    """Return the ids at which parts of `size` decisions begin, then the id at which the last part ends.

    The parts hold the decisions of all automations between two moments. With `newest`, an automation and a number, the
    parts go back only as far as that many of its newest decisions. Return nothing if there are no decisions.
    """
    first, end = floor_of(since), floor_of(until)
    if newest is not None:
        automation, last = newest
        wanted = {"automation": automation, "first": first, "end": end, "last": last}
        first = tx.execute(_NEWEST, wanted).scalar_one_or_none() or end
    found = tx.execute(_CUTS, {"first": first, "end": end, "size": size}).all()
    return [*(row.id for row in found), end] if found else []


def records(tx: Tx, automation: str, first: UUID, end: UUID) -> list[bytes]:
    """Return the records of an automation's decisions with ids from `first` to before `end`, in their order."""
    rows = fetch_binary(tx, _RECORDS, {"automation": automation, "first": first, "end": end})
    return [record for (record,) in rows]


def versions(tx: Tx, automation: str, first: UUID, end: UUID) -> list[int]:
    """Return the versions of an automation that decided anything with an id from `first` to before `end`."""
    return sorted(tx.execute(_VERSIONS, {"automation": automation, "first": first, "end": end}).scalars())
