"""Rollouts on real processes: a bad candidate is withdrawn, a good one is promoted despite a killed worker.

An unwatched one stops.
"""

import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from andon_demo.line import Line
from automations import payment
from calls import DECIDE
from receiver import Receiver
from rolling import a_version
from running import AUTOMATION, running

FORGIVING = AUTOMATION.replace(
    "from automations import an_automation", "from automations import a_forgiving_line\nfrom proving import POLICY"
).replace("an_automation()", "a_forgiving_line(policy=POLICY, rollout=PLAN)")
PLAN = """
from datetime import timedelta
from andon import RolloutPlan

PLAN = RolloutPlan(
    stage_decisions=40, stage_time=timedelta(0), steps=(20, 50, 100), dead_man=timedelta(seconds=2),
    off=("slow", "cost", "expected-error", "calibration"), unit="decision",
)
"""


class Callers:
    """Callers for as long as the context lasts; `versions` are the model versions that answered, by the moment."""

    def __init__(self, line: Line, key: str) -> None:
        self._line, self._key, self._stop = line, key, threading.Event()
        self.answers: list[tuple[float, int]] = []
        self.failed: list[str] = []
        self._threads = [threading.Thread(target=self._ask, args=(seed,), daemon=True) for seed in range(4)]

    def _ask(self, seed: int) -> None:
        number = seed * 1_000_000
        with httpx.Client(headers={"Authorization": f"Bearer {self._key}"}, trust_env=False) as client:
            while not self._stop.is_set():
                number += 1
                asked = payment(number, account=f"a{number}", amount=float(10 + number % 700))
                answer = client.post(f"{self._line.url}{DECIDE}", json=asked)
                if answer.status_code == 200:
                    self.answers.append((time.monotonic(), answer.json()["model"]["version"]))
                else:
                    self.failed.append(answer.text)
                time.sleep(0.005)

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def since(self, moment: float) -> set[int]:
        """Return the versions that answered since a moment."""
        return {version for at, version in self.answers if at >= moment}

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    """Version 1 is the champion; version 2 has everything wrong; version 3 is as good."""
    with Receiver() as receiver, running(receiver.url, automation=PLAN + FORGIVING) as line:
        for name, flipped in (("bad", True), ("good", False)):
            package = a_version(line.folder / name, flipped=flipped)
            line.command("models", "register", str(package), "--reason", "test")
        yield line


@pytest.fixture(scope="module")
def admin(line: Line) -> str:
    return line.key("admin", "admin").split()[-1]


@pytest.fixture(scope="module")
def callers(line: Line, admin: str) -> Iterator[Callers]:
    with Callers(line, admin) as callers:
        yield callers


def post(line: Line, admin: str, path: str, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{line.url}/v1/automations/payments/rollouts{path}",
        json=body,
        headers={"Authorization": f"Bearer {admin}"},
        timeout=60,
        trust_env=False,
    )


def ended(line: Line, admin: str, number: int) -> dict[str, Any]:
    """Return the rollout once it is over."""
    found: dict[str, Any] = {}

    def is_over() -> bool:
        found.update(rollout(line, admin, number))
        return found["ended_at"] is not None

    line.wait_until(f"rollout {number} was over", is_over, timeout=90)
    return found


def rollout(line: Line, admin: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = get(line, admin, f"automations/payments/rollouts/{number}")
    return found


def get(line: Line, admin: str, path: str) -> Any:
    headers = {"Authorization": f"Bearer {admin}"}
    answer = httpx.get(f"{line.url}/v1/{path}", headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_candidate_that_decides_otherwise_ends_itself_and_never_answers(
    line: Line, admin: str, callers: Callers
) -> None:
    assert post(line, admin, "", version=2, reason="new data").status_code == 201
    done = ended(line, admin, 1)
    assert (done["state"], done["ended_by"]) == ("rolled_back", "andon")
    assert "disagreement shows harm" in done["why"]
    assert callers.since(0) == {1}
    assert post(line, admin, "/1/abort", reason="too late").status_code == 409


def test_a_candidate_whose_watcher_is_gone_gets_no_traffic_until_it_is_back(
    line: Line, admin: str, callers: Callers
) -> None:
    """The watcher is frozen for longer than the limit of two seconds."""
    assert post(line, admin, "", version=3, reason="as good").status_code == 201
    line.wait_until("it had traffic", lambda: 3 in callers.since(0), timeout=30)
    assert post(line, admin, "/2/pause", reason="stay there").status_code == 200
    (worker,) = line.running("worker")
    worker.suspend()
    try:
        line.wait_until("it had none", lambda: callers.since(time.monotonic() - 1) == {1}, timeout=10)
    finally:
        worker.resume()
    back = time.monotonic()
    line.wait_until("it answered again", lambda: 3 in callers.since(back), timeout=20)
    assert post(line, admin, "/2/resume", reason="go on").status_code == 200


def test_a_good_candidate_is_promoted_once_whatever_is_killed(line: Line, admin: str, callers: Callers) -> None:
    for worker in line.running("worker"):
        worker.kill()
    done = ended(line, admin, 2)
    assert done["state"] == "promoted", done["why"]
    assert [event["kind"] for event in done["events"]].count("promote") == 1
    line.wait_until("all went to it", lambda: callers.since(time.monotonic() - 0.5) == {3}, timeout=10)
    assert callers.failed == []


def test_a_gate_sends_more_to_people_takes_over_once_and_holds_after_a_restart(
    line: Line, admin: str, callers: Callers
) -> None:
    off = ["slow", "cost", "expected-error", "calibration", "disagreement"]
    started = post(line, admin, "", gate=0.9, steps=[50, 100], off=off, reason="fewer by itself")
    assert started.status_code == 201, started.text
    arm, champion = started.json()["arm"], started.json()["control"]
    assert arm == f"{champion}~0.9"
    done = ended(line, admin, 3)
    assert (done["state"], done["ended_by"]) == ("promoted", "andon"), done["why"]
    assert [event["kind"] for event in done["events"]].count("promote") == 1
    callers.stop()
    assert callers.failed == []
    own = get(line, admin, f"decisions?{urlencode({'arm': arm, 'limit': 100})}")["decisions"]
    assert {(one["outcome"] == "review") == (one["confidence"] < 0.9) for one in own} == {True}
    (held,) = [
        one
        for one in get(line, admin, "automations/payments/gates")
        if one["arm"] == champion and one["by"] == "andon" and one["origin"] == "person"
    ]
    assert (held["threshold"], held["in_force"]) == (0.9, True)
    for gateway in line.running("gateway"):
        gateway.kill()
    line.wait_until("another gateway answered", lambda: revision_now(line, admin) == held["revision"], timeout=30)
    verified = line.command("replay", "--verify", "--last", "1000")
    assert "identical (100.00%)" in verified


def revision_now(line: Line, admin: str) -> int | None:
    """Return the gate revision of a decision made now; None while no gateway answers."""
    try:
        asked = payment(1, account="a1", amount=50.0)
        answer = httpx.post(
            f"{line.url}{DECIDE}", json=asked, headers={"Authorization": f"Bearer {admin}"}, trust_env=False
        )
    except httpx.TransportError:
        return None
    return answer.json()["gate_revision"] if answer.status_code == 200 else None
