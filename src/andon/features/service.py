"""Features of a batch of inputs: what to read, what they are, what to write back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from andon.authoring import Feature
from andon.features.domain import Needs, Row, Snapshot, TileDelta, Value
from andon.features.errors import FeatureFailed


@dataclass(slots=True)
class Computed:
    """The features of a batch, row by row in arrival order, and what its inputs add to the tiles.

    `failures` are by row number: that row's features are incomplete, and its decision goes to a person.
    """

    rows: list[dict[str, Value]]
    deltas: list[TileDelta] = field(default_factory=list)
    failures: dict[int, FeatureFailed] = field(default_factory=dict)


class FeatureSet:
    """The features of one automation, prepared once; its methods are pure."""

    def __init__(self, automation: str, features: Sequence[Feature]) -> None:
        raise NotImplementedError

    def needs(self, inputs: Sequence[Row], at: Sequence[datetime]) -> Needs:
        """Which tiles must be read before `compute`; falsy when none."""
        raise NotImplementedError

    def compute(self, inputs: Sequence[Row], at: Sequence[datetime], snapshot: Snapshot) -> Computed:
        """The features of a batch in arrival order: an input sees those before it, and itself."""
        raise NotImplementedError


async def read(connection: Any, needs: Needs) -> Snapshot:
    """All tiles a batch needs, in one query (asyncpg)."""
    raise NotImplementedError
