"""The source of invented rows: the spread of each field of the contract, and the dependence between fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from andon.models import FeatureKind, FeatureSpec, Profile, text_of
from andon.rehearsals.contract_fields import ContractField, FieldKind, choices_of, fields_of, fitting
from andon.rehearsals.copula import Matrix, correlation_of
from andon.rehearsals.marginals import Marginal, of_categories, of_numbers, of_recorded, seconds_of, time_of

ENOUGH = 100
"""The fewest recorded inputs that show dependence. With fewer, fields are drawn independently."""

Row = Mapping[str, Any]


class SpreadOrigin(StrEnum):
    """The origins of a field's spread."""

    PROFILE = "profile"
    RECORDED = "recorded"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class FieldSource:
    """One field's spread. Without a `marginal`, its values resemble `samples`, or follow the contract alone."""

    field: ContractField
    origin: SpreadOrigin
    marginal: Marginal | None = None
    missing: float = 0.0
    samples: tuple[Any, ...] = ()
    as_text: bool = False
    """Whether the marginal holds values as text, as a model's categories are held."""

    def code(self, value: Any) -> float:
        """Convert a recorded value to a number in the order of the marginal; NaN if it is missing or unknown."""
        if self.marginal is None or value is None:
            return np.nan
        if self.field.kind is FieldKind.TIME:
            return self.marginal.code(seconds_of(value))
        return self.marginal.code(text_of(value) if self.as_text else value)

    def value(self, drawn: Any) -> Any:
        """Convert a drawn value to the form in which a caller sends it."""
        kind, schema = self.field.kind, self.field.schema
        if kind is FieldKind.BOOLEAN:
            return drawn in (True, "true")
        if kind in (FieldKind.NUMBER, FieldKind.INTEGER):
            return fitting(schema, float(drawn))
        if kind is FieldKind.TIME:
            return time_of(float(drawn))
        if kind is FieldKind.CHOICE and self.as_text:
            return {text_of(choice): choice for choice in choices_of(schema)}.get(drawn, drawn)
        return drawn


@dataclass(frozen=True, slots=True)
class RowSource:
    """The spreads of all fields, and the copula of those with a marginal. `recorded` is the number of inputs read."""

    fields: tuple[FieldSource, ...]
    correlation: Matrix
    recorded: int

    @property
    def dependent(self) -> bool:
        """Whether drawn fields depend on each other."""
        return self.recorded >= ENOUGH


def source_of(
    schema: Mapping[str, Any],
    features: Sequence[FeatureSpec],
    profile: Profile,
    recorded: Sequence[Row],
) -> RowSource:
    """Choose each field's spread: the model's reference profile, else recorded inputs, else the contract alone."""
    kinds = {feature.name: feature.kind for feature in features}
    fields = tuple(
        _field(field, kinds.get(field.name), profile, [row.get(field.name) for row in recorded])
        for field in fields_of(schema)
    )
    drawn = [one for one in fields if one.marginal is not None]
    if len(recorded) < ENOUGH or not drawn:
        return RowSource(fields, np.eye(len(drawn)), len(recorded))
    codes = np.array([[one.code(row.get(one.field.name)) for one in drawn] for row in recorded])
    return RowSource(fields, correlation_of(codes), len(recorded))


def _field(field: ContractField, kind: FeatureKind | None, profile: Profile, recorded: Sequence[Any]) -> FieldSource:
    """Choose the best source for one field."""
    if kind is FeatureKind.CATEGORY and field.name in profile.category:
        categories = profile.category[field.name]
        marginal, missing = of_categories(categories), categories.missing / max(1, categories.rows)
        if marginal is not None:
            return FieldSource(field, SpreadOrigin.PROFILE, marginal, _allowed(field, missing), as_text=True)
    if kind is not None and field.name in profile.numeric and field.kind is not FieldKind.TEXT:
        numbers = profile.numeric[field.name]
        marginal, missing = of_numbers(numbers), numbers.missing / max(1, numbers.rows)
        if marginal is not None:
            return FieldSource(field, SpreadOrigin.PROFILE, marginal, _allowed(field, missing))
    there = [value for value in recorded if value is not None]
    if not there:
        return FieldSource(field, SpreadOrigin.CONTRACT)
    missing = _allowed(field, 1 - len(there) / len(recorded))
    seen = [seconds_of(value) for value in there] if field.kind is FieldKind.TIME else there
    return FieldSource(field, SpreadOrigin.RECORDED, of_recorded(seen), missing, tuple(there))


def _allowed(field: ContractField, share: float) -> float:
    return share if field.may_be_missing else 0.0
