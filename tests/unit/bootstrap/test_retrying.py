"""What was away is tried again until it is there; what is wrong in itself is not."""

import asyncio
from contextlib import suppress

from andon.bootstrap.retrying import try_again
from andon.kernel.errors import AndonError, Invalid, Unavailable


class Failing:
    """A deployment that is well after so many refreshes."""

    def __init__(self, problem: AndonError, times: int) -> None:
        self.problems: dict[str, AndonError] = {"payments": problem}
        self.refreshed = 0
        self._times = times

    def refresh(self) -> None:
        """Try."""
        self.refreshed += 1
        if self.refreshed == self._times:
            self.problems = {}


def tried(deployment: Failing, seconds: float) -> int:
    async def run() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await try_again(deployment, first_seconds=0.005)

    asyncio.run(run())
    return deployment.refreshed


def test_what_was_away_is_tried_until_it_is_there_and_no_longer() -> None:
    assert tried(Failing(Unavailable("no answer"), times=3), seconds=0.5) == 3


def test_the_pauses_grow() -> None:
    assert 2 <= tried(Failing(Unavailable("no answer"), times=1000), seconds=0.5) <= 7


def test_what_is_wrong_in_itself_is_not_tried_again() -> None:
    assert tried(Failing(Invalid("no such feature"), times=1), seconds=0.1) == 0
