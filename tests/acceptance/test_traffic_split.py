"""A split or the champion changes while decisions are asked for: within a second it holds, and no request fails."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
import pytest

from andon.serving import Candidate, TrafficSplit, bucket_of
from andon_demo.line import Line
from arms import shares_of
from automations import payment
from calls import DECIDE
from packages import a_package
from pressing import Answer, Pressure
from receiver import Receiver
from running import running

ACCOUNTS = [f"account-{number}" for number in range(64)]


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    """Version 1 is the champion of fraud-risk; version 2 is registered."""
    with Receiver() as receiver, running(receiver.url) as line:
        line.register(a_package(line.folder / "second", seed=2), alias=None)
        yield line


@pytest.fixture(scope="module")
def admin(line: Line) -> str:
    return line.key("admin", "admin").split()[-1]


def test_a_split_holds_within_a_second_and_no_request_fails(line: Line, admin: str) -> None:
    with Pressure(line.gateway, admin, accounts=ACCOUNTS) as pressure:
        assert pressure.wait_for(100)
        changes = []
        for percent in (30, 100, 0, 50, 0):
            answered = split(line, admin, {"2": percent} if percent else {})
            assert pressure.wait_for(300, after=answered + 1)
            changes.append((percent, answered, time.monotonic()))
    assert {one.status for one in pressure.answers} == {200}
    assert pressure.broken == 0
    for percent, answered, until in changes:
        given = TrafficSplit("payments", "fraud-risk", 1, shares_of({2: float(percent)} if percent else {}))
        wrong = [
            (one.account, one.asked - answered)
            for one in pressure.answers
            if one.asked > answered + 1 and one.at < until and version_of(one) != arm(given, one.account)
        ]
        assert wrong == []


def test_an_account_stays_on_its_arm_and_an_arm_that_grows_keeps_its_accounts(line: Line, admin: str) -> None:
    split(line, admin, {"2": 30})
    before = settled(line, admin, 30)
    split(line, admin, {"2": 60})
    after = settled(line, admin, 60)
    assert {account for account in ACCOUNTS if before[account] == 2} < {a for a in ACCOUNTS if after[a] == 2}
    split(line, admin, {})


def test_a_shadow_looks_on_and_decides_nothing(line: Line, admin: str) -> None:
    line.command("split", "set", "payments", "--shadow", "2", "--reason", "look on")
    until = time.monotonic() + 10
    shadows: list[dict[str, Any]] = []
    while not shadows and time.monotonic() < until:
        decided = ask(line, admin, "account-1")
        assert decided["model"]["version"] == 1
        time.sleep(0.2)
        shadows = get(line, admin, f"/v1/decisions/{decided['id']}")["shadows"]
    assert [shadow["model_version"] for shadow in shadows] == [2]
    assert shadows[0]["error"] is None
    counted = json.loads(line.command("split", "shadow", "payments", "2", "--json"))
    assert counted["count"] >= 1


def test_a_new_champion_answers_within_a_second_and_no_request_fails(line: Line, admin: str) -> None:
    split(line, admin, {})
    caller = line.key("caller", "caller")
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


def arm(given: TrafficSplit, account: str) -> int:
    return given.candidate_for(bucket_of("payments", account.encode()), Candidate(1)).version


def settled(line: Line, key: str, percent: int) -> dict[str, int]:
    """Who answers each account, once the split holds; the same each time one asks."""
    given = TrafficSplit("payments", "fraud-risk", 1, shares_of({2: float(percent)}))
    time.sleep(1)
    answered = {account: ask(line, key, account)["model"]["version"] for account in ACCOUNTS * 2}
    assert answered == {account: arm(given, account) for account in ACCOUNTS}
    return answered


def split(line: Line, key: str, shares: dict[str, float]) -> float:
    """Split, and give the moment at which that was answered."""
    answer = httpx.put(
        f"{line.url}/v1/automations/payments/split",
        json={"shares": shares, "reason": "test"},
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return time.monotonic()


def ask(line: Line, key: str, account: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"{line.url}{DECIDE}", json=payment(account=account), headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def get(line: Line, key: str, path: str) -> dict[str, Any]:
    answer = httpx.get(f"{line.url}{path}", headers={"Authorization": f"Bearer {key}"}, trust_env=False)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def version_of(answer: Answer) -> int:
    version: int = answer.content["model"]["version"]
    return version
