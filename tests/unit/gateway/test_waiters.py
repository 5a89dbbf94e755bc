"""Who waits is woken by what is announced about the own request, and no more wait than may."""

import asyncio
from uuid import uuid4

from andon.gateway.waiters import Waiters


def test_only_those_who_wait_for_the_request_are_woken() -> None:
    waiters, one, other = Waiters(), uuid4(), uuid4()
    with waiters.expecting(one) as first, waiters.expecting(one) as second, waiters.expecting(other) as third:
        assert first is not None
        assert second is not None
        assert third is not None
        asyncio.run(waiters.heard(str(one)))
        assert (first.is_set(), second.is_set(), third.is_set()) == (True, True, False)
        asyncio.run(waiters.heard("*"))
        assert third.is_set()


def test_what_nobody_waits_for_is_no_matter() -> None:
    waiters = Waiters()
    asyncio.run(waiters.heard(str(uuid4())))
    with waiters.expecting(uuid4()) as over:
        assert over is not None
        assert not over.is_set()


def test_one_too_many_does_not_wait_and_a_place_that_is_left_is_free_again() -> None:
    waiters = Waiters(most=1)
    with waiters.expecting(uuid4()) as first, waiters.expecting(uuid4()) as second:
        assert first is not None
        assert second is None
    with waiters.expecting(uuid4()) as third:
        assert third is not None
