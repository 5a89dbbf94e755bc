"""What a batch of decisions writes, as SQL: everything in one statement, or its first decisions in one of their own before."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, get_args
from uuid import UUID

from andon import audit, features
from andon.cord import LineState
from andon.decisions.record import SALT_BYTES
from andon.decisions.shape import COLUMNS, Column
from andon.kernel import outbox

_SQL: Mapping[Any, str] = {
    UUID: "uuid",
    str: "text",
    LineState: "text",
    int: "bigint",
    float: "float8",
    bool: "bool",
    datetime: "timestamptz",
    bytes: "bytea",
}


def _typed(column: Column) -> dict[str, str]:
    """The columns of one kind, with their types."""
    fields = [field for field in COLUMNS.values() if field.column is column]
    kinds = {
        field.name: next(kind for kind in get_args(field.type) or (field.type,) if kind in _SQL) for field in fields
    }
    return {name: _SQL[kind] for name, kind in kinds.items()}


OWN = _typed(Column.OWN) | {"record": "bytea"}
"""The columns in which each decision has its own value; of a batch sent as arrays."""

SHARED = _typed(Column.SHARED)
"""The columns that many decisions of a batch have alike. Each combination is sent once.

The driver looks at every element of an array twice, so an array less is worth a microsecond a decision.
"""


class Rows(Enum):
    """How decisions come. Every array costs gateway and server some microseconds, so nothing comes as one that need not."""

    ONE = "one"
    """A single decision: OWN, SHARED and its salt, as they are. Who waits for it is spared a tenth of a millisecond."""
    ALIKE = "alike"
    """OWN as arrays, SHARED as the values that all of them have, and all salts in one."""
    MIXED = "mixed"
    """OWN as arrays and another with the number of each one's combination, from 1; SHARED as arrays; all salts in one."""


def _decisions(rows: Rows) -> tuple[str, str, int]:
    """What is put into the ledger, from where, and how many parameters that takes.

    Arrays that are taken apart in a list of values go row by row into the table; those in a FROM are kept as a whole first.
    """
    own = OWN | ({"shared": "int"} if rows is Rows.MIXED else {})
    number, salts = len(own), len(own) + len(SHARED) + 1
    shared = [f"${i}::{kind}" for i, kind in enumerate(SHARED.values(), start=number + 1)]
    if rows is Rows.ONE:
        values = [f"${i}::{kind}" for i, kind in enumerate(OWN.values(), start=1)]
        return ", ".join((*values, *shared, f"${salts}::bytea")), "", salts
    if rows is Rows.MIXED:
        shared = [f"({array}[])[d.shared]" for array in shared]
    salt = f"substring(${salts}::bytea FROM (d.number - 1) * {SALT_BYTES} + 1 FOR {SALT_BYTES})"
    arrays = ", ".join(f"unnest(${i}::{kind}[]) AS {name}" for i, (name, kind) in enumerate(own.items(), start=1))
    source = f" FROM (SELECT {arrays}, generate_subscripts($1::uuid[], 1) AS number) AS d"
    return ", ".join((*(f"d.{name}" for name in OWN), *shared, salt)), source, salts


def _statement(rows: Rows, beside: str = "") -> str:
    """The INSERT of decisions. Where their leaf is, is told by the first parameters after theirs."""
    values, source, taken = _decisions(rows)
    return (
        f"{beside}INSERT INTO decisions ({', '.join((*OWN, *SHARED))}, salt, writer, seq) "
        f"SELECT {values}, {audit.place_sql(taken + 1)}{source}"
    )


def _with_leaf(rows: Rows, *, messages: bool, tiles: bool, more: bool) -> str:
    """One statement for everything. Its parameters: the decisions, the leaf, messages, tiles. What a batch does not have is not in it."""
    first = _decisions(rows)[2] + 1
    beside = [f"leaf AS ({audit.insert_sql(first)})"]
    first += audit.COLUMNS
    if messages:
        beside.append(f"messages AS ({outbox.insert_sql(first)})")
        first += outbox.COLUMNS
    if tiles:
        beside.append(f"tiles AS ({features.insert_sql(first, more=more)})")
    return _statement(rows, f"WITH {', '.join(beside)} ")


APPEND = {
    (rows, messages, tiles, more): _with_leaf(rows, messages=messages, tiles=tiles, more=more)
    for rows in Rows
    for messages in (False, True)
    for tiles, more in ((False, False), (True, False), (True, True))
}
"""The statement that records a batch, by how its decisions come, whether it sends messages, changes tiles, and those more than sums."""

FIRST_PART = {rows: _statement(rows) for rows in Rows}
"""The statement that records the first decisions of a batch, before its leaf is known: their parameters, and where the leaf will be.

Only together with what records the others.
"""

STATEMENTS = (*FIRST_PART.values(), *APPEND.values())
