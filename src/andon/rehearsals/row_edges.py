"""Rows at the edges of a contract: bounds, missing values, unusual texts and times, extreme numbers.

`edge_strategies.py` has the values. hypothesis is imported when edges are drawn.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import to_json

from andon.rehearsals.contract_fields import ContractField

Row = Mapping[str, Any]

EACH = 50
"""The most values of one field in otherwise typical rows."""

WHOLE_ROWS = 200
"""The most rows in which every field may be at an edge."""


def edge_rows(typical: Row, fields: Iterable[ContractField], *, seed: int) -> Iterator[dict[str, Any]]:
    """Draw rows at the edges, none twice: typical rows with one unusual field, then rows of unusual fields.

    The rows follow only the schema: the caller omits those that the contract's own validators refuse.
    """
    seen: set[bytes] = set()
    for row in _rows(typical, tuple(fields), seed):
        written = to_json(row)
        if written not in seen:
            seen.add(written)
            yield row


def _rows(typical: Row, fields: tuple[ContractField, ...], seed: int) -> Iterator[dict[str, Any]]:
    from andon.rehearsals.edge_strategies import drawn, rows_of, values_of

    unknown = dict(typical)
    for field in fields:
        values = values_of(field)
        if not values.is_empty:
            unknown.pop(field.name, None)
            yield from ({**typical, field.name: value} for value in drawn(values, EACH, seed))
        if not field.required:
            yield {name: value for name, value in typical.items() if name != field.name}
    yield from ({**unknown, **row} for row in drawn(rows_of(fields), WHOLE_ROWS, seed))
