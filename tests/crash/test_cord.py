"""The cord of a running installation: every later decision is held within a second, while the worker stands still."""

import time
from collections.abc import Iterator

import httpx
import pytest

from andon_demo.line import Line
from pressing import Pressure
from receiver import Receiver
from running import running


@pytest.fixture
def line() -> Iterator[Line]:
    with Receiver() as receiver, running(receiver.url) as line:
        yield line


@pytest.mark.alone
@pytest.mark.crash
@pytest.mark.timeout(300)
def test_a_pulled_cord_holds_within_a_second_though_no_worker_runs(line: Line) -> None:
    caller, admin = (line.key(role, role).split()[-1] for role in ("caller", "admin"))
    (worker,) = line.running("worker")
    worker.suspend()
    try:
        with Pressure(line.gateway, caller) as pressure:
            assert pressure.wait_for(100)
            pulled = changed(line, admin, "pull", state="supervised")
            assert pressure.wait_for(20, after=pulled + 1)
            released = changed(line, admin, "release")
            assert pressure.wait_for(20, after=released + 1)
    finally:
        worker.resume()
    assert {one.status for one in pressure.answers} == {200}
    held = [one.content for one in pressure.answers if one.asked > pulled + 1 and one.at < released]
    assert {(one["outcome"], one["rule"], one["line_state"]) for one in held} == {
        ("review", "line-supervised", "supervised")
    }
    free = [one.content["line_state"] for one in pressure.answers if one.asked > released + 1]
    assert set(free) == {"automatic"}
    assert "identical (100.00%)" in line.command("replay", "--last", "200", "--verify")


def changed(line: Line, key: str, act: str, **more: str) -> float:
    """Change the line's state, and when that was answered."""
    answer = httpx.post(
        f"{line.url}/v1/automations/payments/cord:{act}",
        json={"reason": "drill", **more},
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
    )
    assert answer.status_code == 200
    return time.monotonic()
