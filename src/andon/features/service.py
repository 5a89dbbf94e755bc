"""Features of a batch of inputs: what to read, what they are, what to write back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from andon.authoring import Feature, Request, Window
from andon.features.domain import Needs, Row, Snapshot, TileDelta, Value
from andon.features.errors import FeatureFailed
from andon.features.values import computed
from andon.features.windows import PlanState, needed, plans_of


@dataclass(slots=True)
class Computed:
    """The features of a batch, row by row in arrival order, and what its inputs add to the tiles.

    `failures` are by row number: that row lacks the feature that failed, and its decision goes to a person.
    """

    rows: list[dict[str, Value]]
    deltas: list[TileDelta] = field(default_factory=list)
    failures: dict[int, FeatureFailed] = field(default_factory=dict)


class FeatureSet:
    """The features of one automation, prepared once; what its methods do is pure, save for the builder's own functions."""

    def __init__(self, automation: str, features: Sequence[Feature]) -> None:
        self._requests = [(f.name, f.compute) for f in features if isinstance(f, Request)]
        self._plans = plans_of(automation, [f for f in features if isinstance(f, Window)])

    @property
    def windowed(self) -> bool:
        """Whether a batch needs tiles at all."""
        return bool(self._plans)

    def needs(self, inputs: Sequence[Row], at: Sequence[datetime]) -> Needs:
        """Which tiles must be read before `compute`; falsy when none."""
        if not self._plans:
            return Needs({})
        return Needs(needed(self._plans, inputs, [moment.timestamp() for moment in at]))

    def compute(self, inputs: Sequence[Row], at: Sequence[datetime], snapshot: Snapshot) -> Computed:
        """The features of a batch in arrival order: an input sees those before it, and itself."""
        done = Computed([{} for _ in inputs])
        if self._requests:
            self._by_function(inputs, done)
        for plan in self._plans:
            state = PlanState(plan, snapshot)
            for row, moment, features in zip(inputs, at, done.rows, strict=True):
                state.pass_through(row, moment.timestamp(), features)
            done.deltas += state.deltas()
        return done

    def _by_function(self, inputs: Sequence[Row], done: Computed) -> None:
        for number, (row, features) in enumerate(zip(inputs, done.rows, strict=True)):
            for name, function in self._requests:
                try:
                    features[name] = computed(name, function, row)
                except FeatureFailed as failed:
                    done.failures.setdefault(number, failed)
