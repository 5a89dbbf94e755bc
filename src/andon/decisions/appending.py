"""The writes of a batch of decisions, as one SQL statement."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from andon import audit, features
from andon.cord import LineState
from andon.decisions.record import SALT_BYTES
from andon.decisions.shape import COLUMNS, ColumnForm
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


def _typed(column: ColumnForm) -> dict[str, str]:
    """Return the columns of one kind, with their types."""
    fields = [field for field in COLUMNS.values() if field.column is column]
    kinds = {
        field.name: next(kind for kind in get_args(field.type) or (field.type,) if kind in _SQL) for field in fields
    }
    return {name: _SQL[kind] for name, kind in kinds.items()}


OWN = _typed(ColumnForm.OWN) | {"record": "bytea"}
"""The columns in which each decision has its own value."""

SHARED = _typed(ColumnForm.SHARED)
"""The columns that many decisions of a batch share. Each combination of values is sent once."""


def _alone() -> tuple[str, str, int]:
    """Return the values of a single decision as scalars, which takes a tenth of a millisecond less than arrays."""
    values = [f"${i}::{kind}" for i, kind in enumerate((*OWN.values(), *SHARED.values(), "bytea"), start=1)]
    return ", ".join(values), "", len(values)


def _together() -> tuple[str, str, int]:
    """Return the source of several decisions: arrays of OWN, positions into SHARED, arrays of SHARED, all salts.

    The positions of each decision's SHARED values count from 1. The salts are one value. PostgreSQL passes arrays that
    are unnested in a select list row by row into the table; it first materialises those that are unnested in a FROM
    clause.
    """
    own = OWN | {"shared": "int"}
    salts = len(own) + len(SHARED) + 1
    arrays = ", ".join(f"unnest(${i}::{kind}[]) AS {name}" for i, (name, kind) in enumerate(own.items(), start=1))
    shared = [f"(${i}::{kind}[])[d.shared]" for i, kind in enumerate(SHARED.values(), start=len(own) + 1)]
    salt = f"substring(${salts}::bytea FROM (d.number - 1) * {SALT_BYTES} + 1 FOR {SALT_BYTES})"
    source = f" FROM (SELECT {arrays}, generate_subscripts($1::uuid[], 1) AS number) AS d"
    return ", ".join((*(f"d.{name}" for name in OWN), *shared, salt)), source, salts


def _statement(*, alone: bool, messages: bool, tiles: bool, more: bool) -> str:
    """Return one statement that writes a whole batch, without the parts that the batch does not have.

    Its parameters are, in this order: the decisions, the leaf, messages, tiles.
    """
    values, source, taken = _alone() if alone else _together()
    leaf = first = taken + 1
    beside = [f"leaf AS ({audit.insert_sql(first)})"]
    first += audit.COLUMNS
    if messages:
        beside.append(f"messages AS ({outbox.insert_sql(first)})")
        first += outbox.COLUMNS
    if tiles:
        beside.append(f"tiles AS ({features.insert_sql(first, more=more)})")
    return (
        f"WITH {', '.join(beside)} "
        f"INSERT INTO decisions ({', '.join((*OWN, *SHARED))}, salt, writer, seq) "
        f"SELECT {values}, {audit.place_sql(leaf)}{source}"
    )


APPEND = {
    (alone, messages, tiles, more): _statement(alone=alone, messages=messages, tiles=tiles, more=more)
    for alone in (False, True)
    for messages in (False, True)
    for tiles, more in ((False, False), (True, False), (True, True))
}
"""The statements that record a batch.

The key says whether the batch is one decision, sends messages, changes tiles, and changes tiles of more than sums.
"""
