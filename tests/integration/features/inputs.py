"""Inputs, and what they see of tiles, wherever those are kept."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from andon.authoring import Window
from andon.features import FeatureSet, Needs, Snapshot, TileDelta

MORE = Window("amount", by="account", over=("10m", "24h"), aggregates=("std", "distinct", "last", "since"))
COUNTRIES = Window("country", by="account", over=("24h",), aggregates=("count", "distinct", "last", "since"))


class Store(Protocol):
    """What both kinds of tiles can do, as a test sees it."""

    def read(self, needs: Needs) -> Snapshot: ...
    def write(self, deltas: Iterable[TileDelta]) -> None: ...
    def prune(self, now: datetime) -> int: ...


def transfer(amount: float | None, account: Any = "A") -> dict[str, Any]:
    return {"amount": amount, "account": account}


def seen(tiles: Store, features: FeatureSet, *batch: tuple[dict[str, Any], datetime]) -> list[dict[str, Any]]:
    """Return what a batch sees; afterwards it is recorded."""
    inputs, at = [row for row, _ in batch], [moment for _, moment in batch]
    computed = features.compute(inputs, at, tiles.read(features.needs(inputs, at)))
    tiles.write(computed.deltas)
    return computed.rows


def seen_by_nobody(tiles: Store, features: FeatureSet, at: datetime, account: str = "A") -> dict[str, Any]:
    """Return what an input sees that is not recorded."""
    inputs = [transfer(9.0, account)]
    return features.compute(inputs, [at], tiles.read(features.needs(inputs, [at]))).rows[0]
