"""Invented rows: spread like a model's training data and recorded inputs, and valid by the contract."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
from pydantic_core import to_json

from andon.decisions import Contract, InputInvalid, InputMalformed
from andon.rehearsals.contract_fields import FieldKind
from andon.rehearsals.copula import dependent_uniforms
from andon.rehearsals.errors import RowsUnfit
from andon.rehearsals.row_source import FieldSource, RowSource
from andon.rehearsals.typical_values import LETTERS, typical_value

TOGETHER = 500
AT_LEAST = 50
"""The fewest rows that are drawn at a time, since the contract may refuse most."""

TRIES = 20
"""The most draws in a row from which the contract accepts nothing."""

_SHAPELESS = re.compile(r"[^\W_]", re.ASCII)


class SyntheticRows:
    """Rows drawn from a source. The same seed gives the same rows. `refused` counts rows that the contract refused."""

    def __init__(self, contract: Contract, source: RowSource, *, seed: int, now: datetime) -> None:
        self.refused = 0
        self._contract = contract
        self._source = source
        self._rng = np.random.default_rng(seed)
        self._now = now

    def take(self, count: int) -> Iterator[dict[str, Any]]:
        """Draw `count` valid rows. Raises RowsUnfit if the contract refuses nearly all, ContractTooOpen."""
        given = 0
        while given < count:
            before = given
            for _ in range(TRIES):
                for row in self._drawn(min(TOGETHER, max(AT_LEAST, count - given))):
                    if given < count and self.is_valid(row):
                        given += 1
                        yield row
                if given > before:
                    break
            else:
                raise RowsUnfit(f"The contract refused {self.refused:,} rows, the last because: {self._why}")

    def is_valid(self, row: dict[str, Any]) -> bool:
        """Tell whether the contract accepts a row; count it if not."""
        try:
            self._contract.read(to_json(row))
        except (InputInvalid, InputMalformed) as error:
            self.refused += 1
            faults = getattr(error, "faults", ())
            self._why = f"{faults[0].where}: {faults[0].message}" if faults else str(error)
            return False
        return True

    def _drawn(self, count: int) -> Iterator[dict[str, Any]]:
        drawn = [one for one in self._source.fields if one.marginal is not None]
        uniforms = dependent_uniforms(self._source.correlation, count, self._rng)
        columns = {
            one.field.name: one.marginal.values(uniforms[:, at])
            for at, one in enumerate(drawn)
            if one.marginal is not None
        }
        for number in range(count):
            row: dict[str, Any] = {}
            for one in self._source.fields:
                name = one.field.name
                if self._rng.random() < one.missing:
                    if one.field.nullable:
                        row[name] = None
                elif name in columns:
                    row[name] = one.value(columns[name][number])
                elif one.samples or one.field.required:
                    row[name] = self._like_samples(one)
            yield row

    def _like_samples(self, one: FieldSource) -> Any:
        """Make a value in the shape of a recorded one. Texts of a fixed form and nested values stay as recorded."""
        schema = one.field.schema
        if not one.samples or schema.get("format") == "uuid":
            return typical_value(one.field.name, schema, self._rng, self._now)
        sample = one.samples[self._rng.integers(len(one.samples))]
        if one.field.kind is not FieldKind.TEXT or "format" in schema or "pattern" in schema:
            return sample
        return _SHAPELESS.sub(lambda found: self._alike(found[0]), str(sample))

    def _alike(self, letter: str) -> str:
        """Replace a digit by a digit, and a letter by a letter."""
        if letter.isdigit():
            return str(self._rng.integers(10))
        other = LETTERS[self._rng.integers(26)]
        return other.upper() if letter.isupper() else other
