"""Invented rows are valid, spread as the profile says, and depend on each other as recorded inputs do."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import to_json
from scipy import stats

from andon.decisions import Contract
from andon.models import FeatureKind, FeatureSpec, encode
from andon.models.profile import profile_of
from andon.rehearsals import ContractTooOpen, RowsUnfit, SyntheticRows, source_of

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    order_id: Annotated[str, Field(min_length=3, max_length=20)]
    amount: Annotated[float, Field(gt=0, le=1_000_000)]
    items: Annotated[int, Field(ge=1, le=500)]
    channel: Literal["web", "shop", "phone"]
    returning: bool = False
    trust: Annotated[float | None, Field(ge=0, le=1)] = None
    ordered_at: datetime


FEATURES = (
    FeatureSpec("amount", FeatureKind.NUMBER),
    FeatureSpec("items", FeatureKind.NUMBER),
    FeatureSpec("channel", FeatureKind.CATEGORY, ("web", "shop", "phone")),
    FeatureSpec("returning", FeatureKind.BOOLEAN),
    FeatureSpec("trust", FeatureKind.NUMBER),
)
COUNT = 2_000


def trained(seed: int) -> list[dict[str, Any]]:
    """Rows in which the number of items follows the amount."""
    rng = np.random.default_rng(seed)
    amounts = rng.gamma(2.0, 50.0, COUNT)
    return [
        {
            "amount": amount,
            "items": 1 + int(amount / 20 + rng.exponential(2)),
            "channel": rng.choice(["web", "shop", "phone"], p=[0.7, 0.2, 0.1]),
            "returning": bool(rng.random() < 0.3),
            "trust": None if rng.random() < 0.25 else rng.beta(5, 2),
        }
        for amount in amounts
    ]


def recorded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"order_id": f"A-{at:05}", "ordered_at": f"2026-11-{1 + at % 28:02}T10:00:00Z", **row}
        for at, row in enumerate(rows)
    ]


def drawn(seed: int, rows: list[dict[str, Any]], inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    profile = profile_of(FEATURES, encode(FEATURES, rows), np.array([0.1, 0.9]))
    contract = Contract(Order)
    source = source_of(contract.schema(), FEATURES, profile, inputs)
    found = list(SyntheticRows(contract, source, seed=seed, now=NOW).take(COUNT))
    for row in found:
        contract.read(to_json(row))
    return found


@settings(max_examples=4)
@given(st.integers(0, 2**32 - 1))
def test_the_spread_is_that_of_the_profile(seed: int) -> None:
    """Kolmogorov-Smirnov against the training data for what is continuous, chi-squared for what is not."""
    rows = trained(seed)
    found = drawn(seed, rows, [])
    assert len(found) == COUNT
    for name in ("amount", "trust"):
        ours, theirs = ([row[name] for row in one if row.get(name) is not None] for one in (found, rows))
        assert stats.ks_2samp(ours, theirs).statistic < 0.06, name
    missing = sum(row.get("trust") is None for row in found) / COUNT
    assert missing == pytest.approx(sum(row["trust"] is None for row in rows) / COUNT, abs=0.04)
    for name in ("channel", "returning"):
        values = sorted({row[name] for row in rows})
        ours, theirs = ([sum(row[name] == value for row in one) for value in values] for one in (found, rows))
        assert stats.chi2_contingency([ours, theirs]).pvalue > 1e-5, name


@settings(max_examples=3)
@given(st.integers(0, 2**32 - 1))
def test_fields_depend_on_each_other_as_in_recorded_inputs(seed: int) -> None:
    rows = trained(seed)
    found = drawn(seed, rows, recorded(rows))

    def ranked(one: list[dict[str, Any]]) -> float:
        return float(stats.spearmanr([row["amount"] for row in one], [row["items"] for row in one]).statistic)

    assert ranked(rows) > 0.7
    assert ranked(found) == pytest.approx(ranked(rows), abs=0.1)
    assert abs(ranked(drawn(seed, rows, []))) < 0.1


def test_texts_that_hardly_repeat_are_not_copied_but_look_alike() -> None:
    rows = recorded(trained(1))
    found = drawn(1, trained(1), rows)
    ids = {row["order_id"] for row in found}
    assert all(len(one) == 7 and one[1] == "-" and one[0].isupper() and one[2:].isdigit() for one in ids)
    assert len(ids - {row["order_id"] for row in rows}) > COUNT / 2


def test_the_same_seed_gives_the_same_rows() -> None:
    rows = trained(3)
    assert drawn(7, rows, recorded(rows)) == drawn(7, rows, recorded(rows)) != drawn(8, rows, recorded(rows))


class Strict(Order):
    @field_validator("amount")
    @classmethod
    def small(cls, value: float) -> float:
        if value > 20:
            raise ValueError("too much")
        return value


class Impossible(Order):
    @field_validator("amount")
    @classmethod
    def never(cls, value: float) -> float:
        raise ValueError(f"{value} is never enough")


def test_rows_that_the_builders_own_code_refuses_are_drawn_again() -> None:
    profile = profile_of(FEATURES, encode(FEATURES, trained(1)), np.array([0.1, 0.9]))
    contract = Contract(Strict)
    drawing = SyntheticRows(contract, source_of(contract.schema(), FEATURES, profile, []), seed=1, now=NOW)
    assert all(row["amount"] <= 20 for row in drawing.take(100))
    assert drawing.refused > 100
    contract = Contract(Impossible)
    drawing = SyntheticRows(contract, source_of(contract.schema(), FEATURES, profile, []), seed=1, now=NOW)
    with pytest.raises(RowsUnfit, match=r"input\.amount.*never enough"):
        next(drawing.take(10))


class Coded(BaseModel):
    code: Annotated[str, Field(pattern="^[A-Z]{2}$")]


def test_a_pattern_needs_recorded_values() -> None:
    profile = profile_of(FEATURES, encode(FEATURES, trained(1)), np.array([0.1, 0.9]))
    contract = Contract(Coded)
    with pytest.raises(ContractTooOpen, match=r"code must match \^\[A-Z\]"):
        next(SyntheticRows(contract, source_of(contract.schema(), (), profile, []), seed=1, now=NOW).take(1))
    source = source_of(contract.schema(), (), profile, [{"code": "DE"}])
    assert next(SyntheticRows(contract, source, seed=1, now=NOW).take(1)) == {"code": "DE"}
