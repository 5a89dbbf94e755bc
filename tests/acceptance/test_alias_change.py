"""Another model version becomes champion while decisions are asked for: it answers within a second, and no request fails."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import httpx
import pytest
from benchmarks.line import Line

from installed import InstalledLine
from packages import a_package
from pressing import Answer, Pressure
from receiver import Receiver
from running import running


@pytest.fixture
def line() -> Iterator[InstalledLine]:
    with Receiver() as receiver, running(receiver.url) as line:
        yield line


def test_a_new_champion_answers_within_a_second_and_no_request_fails(line: InstalledLine) -> None:
    line.register(a_package(line.folder / "second", seed=2), alias=None)
    caller, admin = (line.key(role, role).split()[-1] for role in ("caller", "admin"))
    with Pressure(line.gateway, caller) as pressure:
        assert pressure.wait_for(100)
        changes = [change(line, admin, number, pressure) for number in (2, 1, 2)]
    assert {one.status for one in pressure.answers} == {200}
    assert pressure.broken == 0
    for one, following in pairwise([*changes, Change(0, math.inf, math.inf)]):
        settled = [a for a in pressure.answers if a.asked > one.answered + 1 and a.at < following.asked]
        assert {version_of(answer) for answer in settled} == {one.number}


@dataclass(frozen=True)
class Change:
    """The alias was pointed to a version: between when and when, as who asked for it saw it."""

    number: int
    asked: float
    answered: float


def change(line: Line, key: str, number: int, pressure: Pressure) -> Change:
    """Point the alias, and wait until decisions that were asked for a second later are answered."""
    asked = time.monotonic()
    answer = httpx.put(
        f"{line.url}/v1/models/fraud-risk/aliases/champion",
        json={"number": number, "reason": "test"},
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
    )
    answered = time.monotonic()
    assert answer.status_code == 200
    assert pressure.wait_for(20, after=answered + 1)
    return Change(number, asked, answered)


def version_of(answer: Answer) -> int:
    version: int = answer.content["model"]["version"]
    return version
