"""Processes follow the wait up and idleness down, within bounds and without swinging."""

import itertools
import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andon.serving.isolated.demand import Demand, Occupancy
from andon.serving.isolated.scaler import NO_CHANGE, Bounds, Change, PoolSample, Scaler

BOUNDS = Bounds(least=1, most=4, wait_target_seconds=0.02, idle_seconds=5.0)


def pressed(ready: int = 1, starting: int = 0, waits: tuple[float, ...] = (0.05,) * 5) -> PoolSample:
    return PoolSample(ready=ready, starting=starting, queued=3, waits=waits)


def calm_for(scaler: Scaler, seen: PoolSample, seconds: float, *, since: float = 0.0) -> tuple[Change, float]:
    """Look ten times a second; the first change and when it came."""
    for tenth in range(int(seconds * 10)):
        change = scaler.look(seen, since + tenth / 10)
        if change != NO_CHANGE:
            return change, since + tenth / 10
    return NO_CHANGE, since + seconds


def test_the_least_is_started_whatever_is_asked() -> None:
    assert Scaler(Bounds(2, 4, 0.02, 5.0)).look(PoolSample(ready=0), 0.0) == Change(start=2)


def test_none_are_started_for_nobody_and_one_for_the_first_batch() -> None:
    scaler = Scaler(Bounds(0, 4, 0.02, 5.0))
    assert scaler.look(PoolSample(ready=0), 0.0) == NO_CHANGE
    assert scaler.look(PoolSample(ready=0, queued=1), 0.0) == Change(start=1)


def test_waits_under_the_target_change_nothing_nor_do_a_few_over_it() -> None:
    assert Scaler(BOUNDS).look(pressed(waits=(0.019,) * 50), 1.0) == NO_CHANGE
    assert Scaler(BOUNDS).look(pressed(waits=(0.05,) * 2), 1.0) == NO_CHANGE
    assert Scaler(BOUNDS).look(pressed(waits=(0.05,) * 3 + (0.0,) * 60), 1.0) == NO_CHANGE


def test_waits_over_the_target_start_one_and_of_many_half_as_many() -> None:
    assert Scaler(BOUNDS).look(pressed(), 1.0) == Change(start=1)
    assert Scaler(Bounds(1, 16, 0.02, 5.0)).look(pressed(ready=6), 1.0) == Change(start=3)
    assert Scaler(BOUNDS).look(pressed(ready=4), 1.0) == NO_CHANGE


def test_as_many_are_started_at_once_as_what_comes_in_asks_for() -> None:
    assert Scaler(BOUNDS).look(replace(pressed(), demand=2.4), 1.0) == Change(start=2)
    assert Scaler(BOUNDS).look(replace(pressed(), demand=40.0), 1.0) == Change(start=3)
    assert Scaler(BOUNDS).look(PoolSample(ready=1, demand=2.4), 1.0) == NO_CHANGE


def test_one_batch_that_is_stuck_is_enough_and_so_is_a_queue_that_is_never_empty() -> None:
    assert Scaler(BOUNDS).look(PoolSample(ready=1, queued=1, oldest_seconds=0.11), 1.0) == Change(start=1)
    assert Scaler(BOUNDS).look(PoolSample(ready=1, queued=1, backlog_seconds=0.21), 1.0) == Change(start=1)


def test_the_next_waits_until_the_one_before_is_there_and_the_queue_had_time_to_drain() -> None:
    scaler = Scaler(BOUNDS)
    assert scaler.look(pressed(starting=1), 1.0) == NO_CHANGE
    assert scaler.look(pressed(ready=2), 1.1) == NO_CHANGE
    assert scaler.look(pressed(ready=2), 1.3) == Change(start=1)
    assert scaler.look(replace(pressed(ready=2, starting=1), demand=3.2), 1.4) == Change(start=1)


def test_what_was_not_needed_for_long_ends_but_not_the_least() -> None:
    scaler = Scaler(BOUNDS)
    scaler.look(PoolSample(ready=1, starting=2), 0.0)
    change, at = calm_for(scaler, PoolSample(ready=3), 20.0)
    assert change == Change(end=2)
    assert at == pytest.approx(5.0, abs=0.2)


def test_what_is_needed_now_and_then_stays_and_what_is_hardly_needed_goes() -> None:
    for share, change in ((0.1, NO_CHANGE), (0.04, Change(end=1))):
        scaler = Scaler(BOUNDS)
        scaler.look(PoolSample(ready=1, starting=1), 0.0)
        assert calm_for(scaler, PoolSample(ready=2, at_work=(0.5, share), demand=0.5), 60.0)[0] == change


def test_the_very_last_ends_only_when_nothing_came_for_long() -> None:
    bounds = Bounds(0, 4, 0.02, 5.0)
    assert calm_for(Scaler(bounds), PoolSample(ready=1, at_work=(0.01,), idle_seconds=4.9), 60.0)[0] == NO_CHANGE
    assert Scaler(bounds).look(PoolSample(ready=1, idle_seconds=5.0), 9.0) == Change(end=1)


def test_none_is_ended_where_the_others_would_hardly_be_enough() -> None:
    assert Scaler(BOUNDS).look(PoolSample(ready=3, demand=1.9), 10.0) == NO_CHANGE
    assert Scaler(BOUNDS).look(PoolSample(ready=3, demand=1.7), 10.0) == Change(end=1)


def test_what_was_ended_by_mistake_is_not_ended_as_soon_again_unless_the_load_is_another() -> None:
    for demand, patience in ((0.4, 10.0), (3.0, 5.0)):
        scaler = Scaler(BOUNDS)
        assert scaler.look(PoolSample(ready=2, demand=0.4), 0.0) == Change(end=1)
        assert scaler.look(replace(pressed(), demand=demand), 10.0).start >= 1
        scaler.look(PoolSample(ready=1, starting=1), 12.0)
        change, at = calm_for(scaler, PoolSample(ready=2, demand=0.4), 60.0, since=12.0)
        assert change == Change(end=1)
        assert at == pytest.approx(12.0 + patience, abs=0.3)


TINY = 1e-6
"""Sums of steps are not exact; a batch that is due is due."""


@dataclass
class World:
    """A pool with a clock of its own: batches of a fixed service time, starts that take a while, last in first out.

    Its clock has steps, so that a batch takes a little longer than its service time; demand is measured, as in a real
    pool.
    """

    bounds: Bounds
    service: float
    cold: float
    now: float = 0.0
    free: list[float] = field(default_factory=list)
    busy: list[tuple[float, float]] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    queue: list[float] = field(default_factory=list)
    demand: Demand = field(default_factory=Demand)
    backlog_since: float | None = None
    occupancy: Occupancy = field(default_factory=lambda: Occupancy(4, 0.0))
    taken: list[float] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def run(self, rate: float, seconds: float, scaler: Scaler, chance: random.Random | None = None) -> None:
        """Batches come evenly, `rate` a second, or by chance; the scaler looks every 50 ms."""
        step, due, end = 0.0025, 0.0, self.now + seconds
        ticks = 0
        while self.now < end:
            self.now += step
            due += rate * step if chance is None else float(chance.random() < rate * step)
            while due >= 1:
                self.demand.came(self.now)
                if len(self.queue) < 64:
                    self.queue.append(self.now)
                due -= 1
            self._advance()
            ticks += 1
            if ticks % 20 == 0:
                self._look(scaler)

    def _advance(self) -> None:
        for began, _ in (ended := [each for each in self.busy if each[1] <= self.now + TINY]):
            self.demand.took(self.now - began)
        self.free += [self.now] * len(ended)
        self.busy = [each for each in self.busy if each[1] > self.now + TINY]
        self.free += [ready for ready in self.starts if ready <= self.now]
        self.starts = [ready for ready in self.starts if ready > self.now]
        while self.queue and self.free:
            waited = self.now - self.queue.pop(0)
            self.taken.append(waited)
            self.waits.append((self.now, waited))
            self.free.pop()
            self.busy.append((self.now, self.now + self.service))
        self.occupancy.changed(len(self.busy), self.now)
        self.backlog_since = None if not self.queue else self.backlog_since or self.now

    def _look(self, scaler: Scaler) -> None:
        seen = PoolSample(
            ready=len(self.free) + len(self.busy),
            starting=len(self.starts),
            queued=len(self.queue),
            waits=self.taken,
            oldest_seconds=self.now - self.queue[0] if self.queue else 0.0,
            backlog_seconds=0.0 if self.backlog_since is None else self.now - self.backlog_since,
            demand=self.demand.processes(self.now),
            at_work=self.occupancy.shares(self.now),
            idle_seconds=self.occupancy.idle_seconds(self.now),
        )
        self.taken = []
        change = scaler.look(seen, self.now)
        self.starts += [self.now + self.cold] * change.start
        del self.free[: change.end]
        total = len(self.free) + len(self.busy) + len(self.starts)
        assert self.bounds.least <= total <= self.bounds.most
        self.counts.append(total)

    @property
    def turns(self) -> int:
        """How often the number of processes went the other way."""
        moves = [b - a for a, b in itertools.pairwise(self.counts) if a != b]
        return sum(1 for a, b in itertools.pairwise(moves) if (a > 0) != (b > 0))


@settings(max_examples=60, deadline=None)
@given(
    service=st.sampled_from([0.01, 0.0125, 0.015, 0.02, 0.03]),
    cold=st.floats(0.1, 1.0),
    low=st.floats(0.0, 0.6),
    high=st.floats(1.5, 3.2),
    edges=st.integers(2, 4),
)
def test_a_square_wave_is_followed_and_nothing_swings(
    service: float, cold: float, low: float, high: float, edges: int
) -> None:
    bounds = Bounds(least=1, most=4, wait_target_seconds=0.04, idle_seconds=1.0)
    world, scaler = World(bounds, service, cold, free=[0.0]), Scaler(bounds)
    for edge in range(edges):
        world.run((high if edge % 2 else low) / service, 6.0, scaler)
    assert world.turns <= edges - 1
    late = [wait for at, wait in world.waits if at % 6.0 > 5.0]
    assert max(late, default=0.0) <= bounds.wait_target_seconds + service


@pytest.mark.parametrize("concurrency", [0.5, 1.5, 2.5, 3.5])
def test_a_steady_load_is_met_once_and_for_all(concurrency: float) -> None:
    bounds = Bounds(least=1, most=4, wait_target_seconds=0.02, idle_seconds=0.5)
    world, scaler = World(bounds, 0.01, 0.3, free=[0.0]), Scaler(bounds)
    world.run(concurrency / 0.01, 8.0, scaler)
    assert world.turns <= 1
    assert set(world.counts[-60:]) == {int(concurrency) + 1}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("concurrency", [0.3, 0.8, 1.6])
def test_chance_alone_makes_nothing_swing_for_long(concurrency: float, seed: int) -> None:
    bounds = Bounds(least=1, most=4, wait_target_seconds=0.02, idle_seconds=1.0)
    world, scaler = World(bounds, 0.015, 0.3, free=[0.0]), Scaler(bounds)
    world.run(concurrency / 0.015, 120.0, scaler, random.Random(seed))
    assert world.turns <= 12
    late = sorted(wait for at, wait in world.waits if at > 30.0)
    assert late[int(0.95 * len(late))] <= bounds.wait_target_seconds
