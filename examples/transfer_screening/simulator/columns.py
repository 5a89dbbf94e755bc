"""The transfers of a run as columns, so that a hundred thousand take only a few array operations."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(slots=True)
class Columns:
    """One row per transfer. `country`, `home`, `channel` and `scenario` are positions in `words`; NaN is missing."""

    at: Floats
    account: Ints
    age_days: Floats
    home: Ints
    country: Ints
    channel: Ints
    amount: Floats
    hour: Ints
    beneficiary_is_new: NDArray[np.bool_]
    device_trust: Floats
    scenario: Ints

    def ordered(self) -> "Columns":
        """Return the same rows in chronological order."""
        order = np.argsort(self.at, kind="stable")
        return Columns(*(getattr(self, f.name)[order] for f in fields(self)))

    def before(self, seconds: float) -> "Columns":
        """Return the rows earlier than `seconds` after the start."""
        kept = self.at < seconds
        return Columns(*(getattr(self, f.name)[kept] for f in fields(self)))


def joined(parts: list[Columns]) -> Columns:
    """Return all rows of all parts."""
    return Columns(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Columns)))
