"""Items that arrive during a group form the next group; each gets its own result, and failures stay in their group."""

import asyncio
from collections.abc import Sequence

import pytest

from andon.kernel.grouping import Grouped


def test_what_collects_meanwhile_goes_as_one_group_and_each_gets_its_own_result() -> None:
    groups: list[list[int]] = []

    async def run() -> list[int]:
        working, busy = asyncio.Event(), asyncio.Event()

        async def work(items: Sequence[int]) -> list[int]:
            groups.append(list(items))
            working.set()
            await busy.wait()
            return [10 * item for item in items]

        grouped = Grouped(work)
        first = asyncio.create_task(grouped.add(0))
        await working.wait()
        rest = [asyncio.create_task(grouped.add(n)) for n in range(1, 10)]
        await asyncio.sleep(0)
        busy.set()
        return await asyncio.gather(first, *rest)

    assert asyncio.run(run()) == list(range(0, 100, 10))
    assert groups == [[0], [1, 2, 3, 4, 5, 6, 7, 8, 9]]


def test_a_group_that_fails_fails_all_its_items_and_no_later_one() -> None:
    async def work(items: Sequence[int]) -> Sequence[int]:
        if 1 in items:
            raise ValueError("one")
        return items

    async def run() -> None:
        grouped = Grouped(work)
        failed = await asyncio.gather(grouped.add(1), grouped.add(2), return_exceptions=True)
        assert [type(error) for error in failed] == [ValueError, ValueError]
        assert await grouped.add(3) == 3
        with pytest.raises(ValueError, match="one"):
            await grouped.add(1)

    asyncio.run(run())
