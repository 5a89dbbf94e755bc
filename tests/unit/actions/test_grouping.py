"""Writes that come while one is under way go together in the next; a failure reaches exactly those it concerns."""

import asyncio
from collections.abc import Sequence

import pytest

from andon.actions.grouping import Grouped


def test_what_collects_during_a_write_goes_as_one_group() -> None:
    groups: list[list[int]] = []

    async def run() -> None:
        writing, busy = asyncio.Event(), asyncio.Event()

        async def write(items: Sequence[int]) -> None:
            groups.append(list(items))
            writing.set()
            await busy.wait()

        grouped = Grouped(write)
        first = asyncio.create_task(grouped.add(0))
        await writing.wait()
        rest = [asyncio.create_task(grouped.add(n)) for n in range(1, 10)]
        await asyncio.sleep(0)
        busy.set()
        await asyncio.gather(first, *rest)

    asyncio.run(run())
    assert groups == [[0], [1, 2, 3, 4, 5, 6, 7, 8, 9]]


def test_a_group_that_fails_fails_all_its_items_and_no_later_one() -> None:
    async def write(items: Sequence[int]) -> None:
        if 1 in items:
            raise ValueError("one")

    async def run() -> None:
        grouped = Grouped(write)
        failed = await asyncio.gather(grouped.add(1), grouped.add(2), return_exceptions=True)
        assert [type(error) for error in failed] == [ValueError, ValueError]
        await grouped.add(3)
        with pytest.raises(ValueError, match="one"):
            await grouped.add(1)

    asyncio.run(run())
