"""Rows at the edges of a contract: both ends of each field, missing values, odd texts, and several of these at once."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from andon import Text
from andon.decisions import Contract, InputInvalid
from andon.rehearsals import edge_rows, fields_of, row_edges
from andon.rehearsals.edge_strategies import LONGEST
from andon.rehearsals.row_edges import EACH, WHOLE_ROWS
from andon.rehearsals.typical_values import typical_value


class Line(BaseModel):
    article: str
    pieces: Annotated[int, Field(ge=1, le=9)]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    order_id: Annotated[str, Field(min_length=3, max_length=20)]
    key: UUID
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    amount: Annotated[float, Field(gt=0, le=1_000_000)]
    items: Annotated[int, Field(ge=1, le=500)]
    dozens: Annotated[int, Field(ge=0, multiple_of=12)] = 0
    channel: Literal["web", "shop", "phone"]
    returning: bool = False
    trust: Annotated[float | None, Field(ge=0, le=1)] = None
    day: date
    ordered_at: datetime
    note: str = ""
    lines: Annotated[list[Line], Field(min_length=1)]


TYPICAL = {
    "order_id": "A-1",
    "key": "5a3f1f8e-6f0c-4f0e-9a43-0d6c1a6f6a51",
    "country": "DE",
    "amount": 12.5,
    "items": 3,
    "channel": "web",
    "day": "2026-12-01",
    "ordered_at": "2026-12-01T10:00:00Z",
    "lines": [{"article": "a", "pieces": 1}],
}
CONTRACT = Contract(Order)
FIELDS = fields_of(CONTRACT.schema())


@pytest.fixture(scope="module")
def rows() -> Sequence[dict[str, Any]]:
    """Return the rows of one seed that the contract accepts; it accepts most."""
    found = list(edge_rows(TYPICAL, FIELDS, seed=3))
    assert len({to_json(row) for row in found}) == len(found) <= (EACH + 1) * len(FIELDS) + WHOLE_ROWS
    valid = [row for row in found if _is_valid(row)]
    assert len(valid) > 0.7 * len(found)
    return valid


def _is_valid(row: dict[str, Any]) -> bool:
    try:
        CONTRACT.read(to_json(row))
    except InputInvalid:
        return False
    return True


def test_both_ends_of_every_field_are_there(rows: Sequence[dict[str, Any]]) -> None:
    assert {1, 500} <= {row["items"] for row in rows}
    assert 1_000_000 in {row["amount"] for row in rows}
    assert 0 < min(row["amount"] for row in rows) < 1e-300
    assert {0.0, 1.0} <= {row.get("trust") for row in rows}
    assert {3, 20} <= {len(row["order_id"]) for row in rows}
    assert {0, 1_000} <= {len(row.get("note", "?")) for row in rows}
    assert {"web", "shop", "phone"} == {row["channel"] for row in rows}
    assert {1, 4} <= {len(row["lines"]) for row in rows}
    assert {1, 9} <= {line["pieces"] for row in rows for line in row["lines"]}
    assert max(row.get("dozens", 0) for row in rows) > 2**53


def test_missing_values_and_odd_texts_are_there(rows: Sequence[dict[str, Any]]) -> None:
    assert any(row.get("trust", 0) is None for row in rows)
    for name in ("trust", "returning", "note"):
        assert any(name not in row for row in rows)
        assert any(name in row for row in rows)
    assert any(not row["order_id"].isascii() for row in rows)
    assert any(row["order_id"].isspace() for row in rows)
    assert any("'" in row["order_id"] for row in rows)
    assert len({row["country"] for row in rows}) > 10
    assert len({row["key"] for row in rows}) > 10
    assert min(row["day"] for row in rows) < "1900" < "2100" < max(row["day"] for row in rows)
    assert any(not row["ordered_at"].endswith(("Z", "+00:00")) for row in rows)


def test_one_field_is_odd_in_some_rows_and_many_are_in_others(rows: Sequence[dict[str, Any]]) -> None:
    apart = [sum(row.get(name) != value for name, value in TYPICAL.items()) for row in rows]
    assert apart.count(1) > 100
    assert sum(count > 5 for count in apart) > 100


def test_a_seed_gives_its_own_rows_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(row_edges, "WHOLE_ROWS", 40)
    fields = fields_of(Contract(Line).schema())
    first, again, other = (list(edge_rows({"article": "a", "pieces": 1}, fields, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert list(tmp_path.iterdir()) == []


class Mail(BaseModel):
    subject: Annotated[str | None, Text(max_length=40)] = None
    body: Annotated[str, Text(max_length=1_000_000)]


def test_free_text_is_invented_as_words_and_its_edges_stay_within_memory() -> None:
    fields = {field.name: field for field in fields_of(Mail.model_json_schema())}
    rng = np.random.default_rng(1)
    drawn = [
        typical_value(name, one.schema, rng, datetime(2026, 12, 1, tzinfo=UTC))
        for name, one in fields.items()
        for _ in range(9)
    ]
    subjects, bodies = drawn[:9], drawn[9:]
    assert all(1 <= len(subject) <= 40 for subject in subjects)
    assert all(len(body.split()) > 5 for body in bodies)
    rows = list(edge_rows({"subject": "a", "body": "b"}, fields.values(), seed=1))
    assert max(len(row["body"]) for row in rows if "body" in row) == LONGEST
    contract = Contract(Mail)
    for row in rows:
        contract.read(to_json(row))
