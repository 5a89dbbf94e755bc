"""Real processes report their status: recent decisions show up by version, and a dead process disappears."""

import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from andon.live import GONE_AFTER
from andon_demo.line import Line
from automations import payment
from running import running

PATH = "/v1/endpoints/fraud-risk"
DECIDE = "/v1/automations/payments/decisions"


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    with running("http://127.0.0.1:9") as line:
        yield line


@pytest.fixture(scope="module")
def client(line: Line) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {line.key('ada', 'admin').split()[-1]}"}
    with httpx.Client(base_url=line.url, headers=headers, trust_env=False, timeout=30) as client:
        yield client


def live(client: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"{PATH}/live").raise_for_status().json()
    return answer


def test_what_a_gateway_decides_shows_within_seconds(line: Line, client: httpx.Client) -> None:
    line.wait_until("gateway and worker were seen", lambda: live(client)["processes"] == 2, timeout=30)
    for number in range(30):
        client.post(DECIDE, json=payment(number)).raise_for_status()
    line.wait_until("all decisions were counted", lambda: live(client)["decisions"] == 30, timeout=30)
    now = live(client)
    (arm,) = now["versions"]
    assert (arm["version"], arm["decisions"], arm["fallbacks"]) == (1, 30, {})
    stages = {stage: of["p50"] for stage, of in arm["stages"].items()}
    assert set(stages) == {"queue", "features", "predict", "policy", "record", "whole"}
    assert 0 < stages["predict"] < stages["whole"]
    assert 0 < stages["record"] < stages["whole"] < 1000
    assert arm["per_second"] > 0


def test_who_looks_at_the_keys_sees_which_are_idle(line: Line, client: httpx.Client) -> None:
    Line.key(line, "olga", "caller")  # by the command: waiting until it is known would be a use
    client.get("/v1/keys").raise_for_status()

    def last_used() -> dict[str, str | None]:
        return {key["name"]: key["last_used_at"] for key in client.get("/v1/keys").raise_for_status().json()}

    line.wait_until("the use of ada's key was written down", lambda: last_used()["ada"] is not None, timeout=30)
    assert last_used()["olga"] is None


def test_a_gateway_that_was_killed_is_gone_and_its_successor_begins_anew(line: Line, client: httpx.Client) -> None:
    client.post(DECIDE, json=payment(99)).raise_for_status()
    line.wait_until("it was counted", lambda: live(client)["decisions"] > 0, timeout=30)
    (gateway,) = line.running("gateway")
    gateway.send_signal(signal.SIGKILL)
    gateway.wait(10)

    def only_the_living_are_seen() -> bool:
        try:
            now = live(client)
        except httpx.HTTPError:
            return False
        return now["processes"] == 2 and now["decisions"] == 0

    timeout = GONE_AFTER.total_seconds() + 50
    line.wait_until("the dead one was not seen any more", only_the_living_are_seen, timeout=timeout)


def test_whoever_is_told_to_end_takes_himself_away_while_the_database_is_still_there(line: Line) -> None:
    """The last test: here everything ends."""
    line.down()
    said = line.log.read_text(encoding="utf-8")
    assert "gateway.ended" in said
    assert "worker.ended" in said
    assert "live." not in said
