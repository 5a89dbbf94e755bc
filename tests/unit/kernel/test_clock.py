"""The clock that all processes share: the server's, however wrong the machine's own is and however slow the way."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.kernel.clock import SharedClock
from andon.kernel.errors import Unavailable
from andon.kernel.patience import PATIENCE_SECONDS

TRUTH = datetime(2026, 11, 25, 12, tzinfo=UTC)
"""What the server's clock says when the time that passes is at zero."""

seconds = st.floats(0, 30)


class Server:
    """A server whose answer takes as long as its way there and back; `passed` is the time that passes for everybody."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.there = self.back = 0.0
        self.ahead = 0.0

    def now(self) -> datetime:
        self.passed += self.there
        told = self.truth
        self.passed += self.back
        return told

    @property
    def truth(self) -> datetime:
        return TRUTH + timedelta(seconds=self.passed + self.ahead)

    def clock(self) -> SharedClock:
        return SharedClock(self.now, passing=lambda: self.passed)


def apart(server: Server, clock: SharedClock) -> float:
    return abs((clock.now() - server.truth).total_seconds())


@given(st.lists(st.tuples(seconds, seconds, seconds), min_size=1))
def test_it_is_never_further_from_the_servers_than_its_quickest_answer_took(
    ways: list[tuple[float, float, float]],
) -> None:
    server = Server()
    clock = server.clock()
    for there, back, pause in ways:
        server.there, server.back = there, back
        clock.look()
        server.passed += pause
    assert apart(server, clock) <= min(there + back for there, back, _ in ways) + 1e-5


def test_it_follows_when_the_servers_clock_is_set() -> None:
    server = Server()
    clock = server.clock()
    clock.look()
    server.ahead = 3600.0
    clock.look()
    assert apart(server, clock) < 1e-5


def test_who_starts_while_the_server_restarts_waits_for_it() -> None:
    server, refusals = Server(), ["starting up"] * 3
    server.ahead = 3600.0

    def restarting() -> datetime:
        if refusals:
            raise Unavailable(refusals.pop())
        return server.now()

    clock = SharedClock(restarting, passing=lambda: server.passed)
    asyncio.run(clock.begin())
    assert apart(server, clock) < 1e-5


def test_who_starts_where_no_server_is_says_so_after_a_while() -> None:
    server = Server()

    def silent() -> datetime:
        server.passed += 5.0
        raise Unavailable("no answer")

    with pytest.raises(Unavailable):
        asyncio.run(SharedClock(silent, passing=lambda: server.passed).begin())
    assert server.passed >= PATIENCE_SECONDS


def test_it_goes_on_by_the_time_that_passes_while_the_server_does_not_answer() -> None:
    server = Server()

    def silent() -> datetime:
        raise Unavailable("no answer")

    answers = [server.now, silent]
    clock = SharedClock(lambda: answers.pop(0)(), passing=lambda: server.passed)
    clock.look()
    server.passed += 100
    with pytest.raises(Unavailable):
        clock.look()
    assert apart(server, clock) < 1e-5
