"""On a loop whose tasks are contained nothing ends it, and all else is as ever."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from andon.kernel.durable.tasks import TaskEnded, contain


def on_a_loop(work: Callable[[], Awaitable[None]]) -> None:
    async def contained() -> None:
        contain(asyncio.get_running_loop())
        await work()

    asyncio.run(contained())


@pytest.mark.parametrize(
    ("raised", "said"),
    [(SystemExit(3), "SystemExit: 3"), (SystemExit(), "SystemExit"), (KeyboardInterrupt(), "KeyboardInterrupt")],
)
@pytest.mark.parametrize("late", [False, True])
def test_what_would_end_the_loop_ends_its_task(raised: BaseException, said: str, late: bool) -> None:
    async def leave() -> None:
        if late:
            await asyncio.sleep(0)
        raise raised

    async def work() -> None:
        task = asyncio.create_task(leave(), name="leaves")
        assert task.get_name() == "leaves"
        with pytest.raises(TaskEnded) as ended:
            await task
        assert (str(ended.value), ended.value.__cause__) == (said, raised)

    on_a_loop(work)


def test_a_task_that_leaves_when_it_is_cancelled_ends_alone_too() -> None:
    async def leave() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise SystemExit(4)

    async def work() -> None:
        task = asyncio.create_task(leave())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(TaskEnded, match="SystemExit: 4"):
            await task

    on_a_loop(work)


def test_results_errors_and_cancellations_are_as_ever() -> None:
    async def both(number: int) -> int:
        await asyncio.sleep(0)
        return 10 // number

    async def work() -> None:
        assert await asyncio.gather(both(1), both(2)) == [10, 5]
        with pytest.raises(ZeroDivisionError):
            await asyncio.create_task(both(0))
        never_begun = asyncio.create_task(both(1))
        never_begun.cancel()
        with pytest.raises(asyncio.CancelledError):
            await never_begun

    on_a_loop(work)
