"""Features of a batch of inputs: what to read, the values, and what to write back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from andon.authoring import Expect, Feature, Lookup, Request, Window
from andon.features.columns import Delta
from andon.features.domain import Looked, Needs, Row, Series, Snapshot, Value, WantedRows
from andon.features.errors import FeatureFailed
from andon.features.expectations import Expectations
from andon.features.rows import LookupPlan
from andon.features.times import LATE, Times, times_of
from andon.features.values import computed_at, computed_each, computed_together
from andon.features.windows import PlanState, WindowPlan, needed, plans_of


class Computed(Struct):
    """The features of a batch, row by row in arrival order, and what its inputs add to the tiles.

    `failures` are by row number: that row lacks the failed feature, and its decision goes to review. So do `misplaced`
    rows (`times.py`) and `breached` ones, which name the values that are not as expected.
    """

    rows: list[dict[str, Value]]
    deltas: list[Delta] = []
    failures: dict[int, FeatureFailed] = {}
    misplaced: dict[int, str] = {}
    breached: dict[int, tuple[str, ...]] = {}

    def add(self, name: str, values: Sequence[Value | FeatureFailed]) -> None:
        """Add a feature to each row, or the reason why a row lacks it."""
        for features, value in zip(self.rows, values, strict=True):
            features[name] = value  # type: ignore[assignment]  # what failed is taken out again
        if FeatureFailed not in map(type, values):
            return
        for number, value in enumerate(values):
            if isinstance(value, FeatureFailed):
                self.failures.setdefault(number, value)
                del self.rows[number][name]


class FeatureSet:
    """The features of one automation, prepared once; what its methods do is pure, save for the builder's own functions.

    `lateness` is how late an input may come to be placed in windows, `expect` what is expected of the values.
    """

    def __init__(
        self,
        automation: str,
        features: Sequence[Feature],
        *,
        expect: Sequence[Expect] = (),
        lateness: timedelta = timedelta(0),
    ) -> None:
        requests = [f for f in features if isinstance(f, Request)]
        self._requests = [(f.name, f.compute) for f in requests if not (f.batch or f.moment)]
        self._moment_requests = [(f.name, f.compute) for f in requests if f.moment]
        self._batch_requests = [(f.name, f.compute) for f in requests if f.batch]
        self._lookups = [LookupPlan(f) for f in features if isinstance(f, Lookup)]
        self._expectations = Expectations(expect)
        self._lateness = lateness.total_seconds()
        self._plans = plans_of(automation, [f for f in features if isinstance(f, Window)], int(self._lateness))

    @property
    def windowed(self) -> bool:
        """Whether a batch needs tiles at all."""
        return bool(self._plans)

    @property
    def looks_up(self) -> bool:
        """Whether a batch needs rows of tables at all."""
        return bool(self._lookups)

    @property
    def timed(self) -> bool:
        """Whether the time of an input matters."""
        return self.windowed or self.looks_up or bool(self._moment_requests)

    @property
    def plans(self) -> Sequence[WindowPlan]:
        """The windows, by the fields that they look at."""
        return self._plans

    @property
    def series(self) -> list[Series]:
        """The series whose tiles it reads and writes."""
        return [layer.series for plan in self._plans for layer in plan.layers]

    @property
    def longest(self) -> int:
        """The longest span of a window, in seconds; 0 if there is none."""
        return max((layer.longest for plan in self._plans for layer in plan.layers), default=0)

    def needs(self, inputs: Sequence[Row], at: Sequence[datetime], asked: Sequence[datetime] | None = None) -> Needs:
        """Return the tiles to read before `compute`; falsy when none.

        `asked` is when each input arrived, if not at `at`.
        """
        if not self._plans or not inputs:
            return ()
        return needed(self._plans, inputs, times_of(at, asked, self._lateness).at)

    def wanted(self, inputs: Sequence[Row]) -> list[WantedRows]:
        """Which rows of tables must be there before `compute`."""
        return [plan.wanted(inputs) for plan in self._lookups]

    def compute(
        self,
        inputs: Sequence[Row],
        at: Sequence[datetime],
        snapshot: Snapshot,
        *,
        asked: Sequence[datetime] | None = None,
        looked: Looked | None = None,
        now: datetime | None = None,
    ) -> Computed:
        """Compute the features of a batch in arrival order: an input sees earlier ones, and itself.

        `at` may be empty unless `timed`. `now` is given where inputs have waited: their additions are kept for as long
        from now on, for the inputs that waited behind them.
        """
        done = Computed([{} for _ in inputs])
        if self._requests or self._batch_requests:
            self._by_function(inputs, done)
        for name, function in self._moment_requests:
            done.add(name, computed_at(name, function, inputs, at))
        for lookup in self._lookups:
            lookup.look_up(inputs, asked or at, looked or {}, done.rows, done.failures)
        if self._plans:
            done.misplaced = (times := times_of(at, asked, self._lateness)).misplaced
            self._by_windows(inputs, times, snapshot, done, 0 if now is None else int(now.timestamp()))
        if self._expectations:
            done.breached = self._expectations.checked(inputs, done.rows)
        return done

    def _by_windows(self, inputs: Sequence[Row], times: Times, snapshot: Snapshot, done: Computed, now: int) -> None:
        late = {number for number, why in times.misplaced.items() if why == LATE}
        for plan in self._plans:
            state = PlanState(plan, snapshot)
            if late:
                for number, (row, moment, features) in enumerate(zip(inputs, times.at, done.rows, strict=True)):
                    (state.look_in if number in late else state.pass_through)(row, moment, features)
            else:
                state.pass_all(inputs, times.at, done.rows)
            done.deltas += state.deltas(int(self._lateness), now)

    def _by_function(self, inputs: Sequence[Row], done: Computed) -> None:
        for name, function in self._requests:
            done.add(name, computed_each(name, function, inputs))
        for name, function in self._batch_requests:
            done.add(name, computed_together(name, function, inputs))
