"""The builders' test tools behave like production: the same procedures, rehearsed in memory and run on a database."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from andon import Procedure, Retry, StepFailed, procedure
from andon.kernel.db import Database
from andon.procedures import RunState
from andon.procedures.conducting import Conductor
from andon.testing import rehearse
from conducting import conducting, outcome, send, start, timeline, until

SOON = Retry(attempts=2, first=timedelta(), longest=timedelta())
Ended: TypeAlias = tuple[Any, str | None, list[str]]
Stage: TypeAlias = Callable[[str, dict[str, Any], dict[str, list[Any]]], Ended]


def halve(number: int) -> int:
    if number % 2:
        raise ValueError("odd")
    return number // 2


async def double(number: int) -> int:
    return number * 2


@procedure("sums")
async def sums(p: Procedure, given: dict[str, int]) -> int:
    doubled = await p.step(double, given["n"], compensate=lambda: p.step(halve, given["n"], name="back", retry=SOON))
    await p.sleep(timedelta(milliseconds=10))
    return await p.step(halve, doubled + given.get("odd", 0), retry=SOON)


@procedure("catches")
async def catches(p: Procedure, given: dict[str, int]) -> str:
    try:
        await p.step(halve, 1, retry=Retry(never=(ValueError,)))
    except StepFailed as failed:
        return f"{failed.step}: {failed.why}"
    return "no"


def leave(code: int) -> None:
    raise SystemExit(code)


@procedure("leaves")
async def leaves(p: Procedure, given: dict[str, int]) -> None:
    await p.step(double, 1, compensate=lambda: p.step(leave, 4))
    if given["by"]:
        await p.step(leave, given["by"])
    raise SystemExit


@procedure("waits")
async def waits(p: Procedure, given: dict[str, int]) -> list[Any]:
    first = await p.wait_for("go", within=timedelta(seconds=20))
    second = await p.wait_for("go", within=timedelta(milliseconds=10))
    return [first and first.data, second and second.data]


SPECS = {spec.name: spec for spec in (sums, catches, leaves, waits)}


@pytest.fixture(params=["rehearsed", "real"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "rehearsed":
        yield rehearsed
        return
    database: Database = request.getfixturevalue("database")
    with conducting(database, *SPECS.values()) as conductor:
        yield real(database, conductor)


def rehearsed(name: str, given: dict[str, Any], events: dict[str, list[Any]]) -> Ended:
    seen = asyncio.run(rehearse(SPECS[name], given, events=events))
    return seen.result, seen.error, seen.steps


def real(database: Database, conductor: Conductor) -> Stage:
    def run(name: str, given: dict[str, Any], events: dict[str, list[Any]]) -> Ended:
        one = start(database, conductor, name, given)
        for event, data in ((event, data) for event, sent in events.items() for data in sent):
            send(database, one, event, data)
        until(database, one, RunState.DONE, RunState.FAILED)
        steps = [
            f"{'undo ' if e.undo else ''}{e.kind}{'' if e.kind == e.name else f':{e.name}'}"
            for e in timeline(database, one)
        ]
        return *outcome(database, one), steps

    return run


def test_results_pass_from_step_to_step(stage: Stage) -> None:
    assert stage("sums", {"n": 4}, {}) == (4, None, ["step:double", "sleep", "step:halve"])


def test_what_fails_is_undone_and_what_cannot_be_undone_is_told(stage: Stage) -> None:
    steps = ["step:double", "sleep", "step:halve", "undo step:back"]
    assert stage("sums", {"n": 4, "odd": 1}, {}) == (None, "halve: ValueError: odd", steps)
    why = "halve: ValueError: odd; double could not be undone: StepFailed: back: ValueError: odd"
    assert stage("sums", {"n": 3, "odd": 1}, {}) == (None, why, steps)


def test_a_failed_step_can_be_caught(stage: Stage) -> None:
    assert stage("catches", {}, {}) == ("halve: ValueError: odd", None, ["step:halve"])


def test_code_that_ends_the_program_has_failed(stage: Stage) -> None:
    left = "double could not be undone: StepFailed: leave: SystemExit: 4"
    steps = ["step:double", "step:leave", "undo step:leave"]
    assert stage("leaves", {"by": 3}, {}) == (None, f"leave: SystemExit: 3; {left}", steps)
    assert stage("leaves", {"by": 0}, {}) == (None, f"SystemExit; {left}", [steps[0], steps[2]])


def test_events_are_taken_in_order_and_missed_when_the_time_is_up(stage: Stage) -> None:
    assert stage("waits", {}, {"go": [1]})[0] == [1, None]
    assert stage("waits", {}, {"go": ["a", "b"]})[0] == ["a", "b"]


def test_what_does_not_fit_fails_before_anything_is_done(stage: Stage) -> None:
    assert stage("sums", {"n": "many"}, {}) == (None, "a value does not fit: n", [])
