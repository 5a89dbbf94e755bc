"""Calls that block: what waits for a thread uses up none of its time, and what nobody waits for does not begin."""

import asyncio
from threading import Event

import pytest

from andon.kernel.timed_threads import TimedThreads

BRIEF = 0.05
LONG = 30.0


def test_waiting_for_a_thread_is_not_part_of_the_time() -> None:
    release = Event()

    async def run() -> tuple[bool, bool, str]:
        threads = TimedThreads(1, "test")
        holding = asyncio.create_task(threads.run(lambda: release.wait(LONG), seconds=LONG))
        waiting = asyncio.create_task(threads.run(lambda: "done", seconds=BRIEF))
        ended, _ = await asyncio.wait([waiting], timeout=3 * BRIEF)
        release.set()
        found = bool(ended), await holding, await waiting
        threads.close(wait=True)
        return found

    assert asyncio.run(run()) == (False, True, "done")


def test_work_that_has_begun_ends_with_its_time() -> None:
    release = Event()

    async def run() -> None:
        threads = TimedThreads(1, "test")
        try:
            with pytest.raises(TimeoutError):
                await threads.run(lambda: release.wait(LONG), seconds=BRIEF)
        finally:
            release.set()
            threads.close(wait=True)

    asyncio.run(run())


def test_work_that_is_cancelled_before_it_begins_never_runs() -> None:
    release, done = Event(), list[str]()

    async def run() -> None:
        threads = TimedThreads(1, "test")
        holding = asyncio.create_task(threads.run(lambda: release.wait(LONG), seconds=LONG))
        waiting = asyncio.create_task(threads.run(lambda: done.append("ran"), seconds=LONG))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        release.set()
        await holding
        await threads.run(lambda: done.append("next"), seconds=LONG)
        threads.close(wait=True)

    asyncio.run(run())
    assert done == ["next"]


def test_an_error_of_the_work_comes_back() -> None:
    def fail() -> None:
        raise KeyError("missing")

    async def run() -> None:
        threads = TimedThreads(1, "test")
        try:
            await threads.run(fail, seconds=LONG)
        finally:
            threads.close(wait=True)

    with pytest.raises(KeyError, match="missing"):
        asyncio.run(run())


def test_work_whose_caller_left_as_it_began_leaves_no_error_behind() -> None:
    begun, release, troubles = Event(), Event(), list[object]()

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        threads = TimedThreads(1, "test")

        def work() -> None:
            begun.set()
            release.wait(LONG)

        task = asyncio.create_task(threads.run(work, seconds=LONG))
        await asyncio.sleep(0)
        begun.wait(LONG)  # blocks the loop, so that it has not yet heard that the work began
        task.cancel()
        await asyncio.wait([task])
        release.set()
        threads.close(wait=True)
        await asyncio.sleep(0)

    asyncio.run(run())
    assert troubles == []
