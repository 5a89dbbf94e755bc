"""Two versions in processes of their own on a running installation: split, pinned, swapped, hanging and killed."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from andon_demo.line import Line
from automations import payment
from calls import DECIDE
from packages import a_package
from pressing import Pressure
from receiver import Receiver
from running import prepared

AUTOMATION = """
from andon import Automation, Policy, Review
from automations import POLICY, Payment

payments = Automation(
    "payments",
    contract=Payment,
    subject="account",
    model="fraud-risk",
    policy=Policy.yaml(POLICY),
    fallback=("rules",),
    review=Review(queue="fraud"),
)
"""


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    """Run a line with champion 1 and version 2 in processes of their own, with the rules as their fallback."""
    with Receiver() as receiver, prepared(receiver.url) as line:
        (line.folder / "automation.py").write_text(AUTOMATION, encoding="utf-8")
        with (line.folder / "andon.toml").open("a") as settings:
            settings.write("[endpoints.fraud-risk]\nisolated = true\n")
        line.register(a_package(line.folder / "second", seed=2), alias=None)
        line.up()
        yield line


@pytest.fixture(scope="module")
def tester(line: Line) -> str:
    return line.key("tester", "admin").split()[-1]


@pytest.fixture(scope="module")
def caller(line: Line) -> str:
    return line.key("caller", "caller").split()[-1]


def ask(line: Line, key: str, *, account: str = "a1", country: str = "DE", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    row = payment(amount=1.0, account=account, country=country)
    sent = {"Authorization": f"Bearer {key}", **named}
    return httpx.post(f"{line.url}{DECIDE}", json=row, headers=sent, timeout=30, trust_env=False)


def whole(line: Line, key: str, response: httpx.Response) -> dict[str, Any]:
    """Return the whole decision, read back."""
    headers = {"Authorization": f"Bearer {key}"}
    answer: dict[str, Any] = httpx.get(
        f"{line.url}{response.headers['Location']}", headers=headers, trust_env=False
    ).json()
    return answer


def models_of(line: Line) -> list[psutil.Process]:
    """Return the processes in which its model versions run."""
    return line.running("/isolated/host.py")


def split(line: Line, key: str, *shares: str) -> None:
    """Split, and wait until decisions are made under it."""
    before = newest_split(line, key)
    given = [part for share in shares for part in ("--share", share)]
    line.command("split", "set", "payments", *given, "--reason", "test")
    line.wait_until("the gateway had the split", lambda: newest_split(line, key) > before, timeout=30)


def newest_split(line: Line, key: str) -> int:
    """Return the number of the split under which decisions are made now."""
    return int(whole(line, key, ask(line, key))["assignment"]["split"])


def test_half_of_the_accounts_get_the_second_version_and_each_stays_with_its_own(
    line: Line, tester: str, caller: str
) -> None:
    split(line, tester, "2=50")
    first = {f"a{n}": ask(line, caller, account=f"a{n}").json()["model"]["version"] for n in range(60)}
    again = {account: ask(line, caller, account=account).json()["model"]["version"] for account in first}
    assert again == first
    assert 15 <= list(first.values()).count(2) <= 45
    split(line, tester)


def test_a_tester_pins_a_version_that_answers_and_a_caller_does_not(line: Line, tester: str, caller: str) -> None:
    split(line, tester, "2=1")
    pinned = ask(line, tester, Andon_Model_Version="2")
    assert pinned.json()["model"]["version"] == 2
    assert whole(line, tester, pinned)["assignment"]["chosen"] == "pinned"
    assert ask(line, caller, Andon_Model_Version="2").status_code == 403
    assert ask(line, tester, Andon_Model_Version="7").status_code == 404
    split(line, tester)


def test_the_champion_is_swapped_under_load_and_no_request_fails(line: Line, caller: str) -> None:
    with Pressure(line.gateway, caller, width=4) as pressure:
        assert pressure.wait_for(50)
        for version in ("2", "1"):
            line.command("models", "alias", "set", "champion", version, "--name", "fraud-risk", "--reason", "test")
            line.wait_until(
                "it answered",
                lambda v=version: ask(line, caller).json()["model"]["version"] == int(v),
                timeout=15,  # type: ignore[misc]
            )
    assert pressure.broken == 0
    assert {one.status for one in pressure.answers} == {200}
    assert [one for one in pressure.answers if one.content["score"] is None] == []
    line.wait_until("the old one ended", lambda: len(models_of(line)) == 1, timeout=15)


def test_the_rules_answer_at_once_when_the_version_is_killed_and_in_time_while_it_hangs(
    line: Line, tester: str, caller: str
) -> None:
    assert ask(line, caller).json()["score"] is not None
    (victim,) = models_of(line)
    victim.send_signal(signal.SIGSTOP)  # so that it is killed while it has the request in hand
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(ask, line, caller, country="KP")
        line.wait_until("it was under way", lambda: under_way(line, tester) == 1, timeout=10)
        victim.send_signal(signal.SIGKILL)
        killed = asked.result()
    assert (killed.json()["outcome"], killed.json()["score"]) == ("pause", None)
    assert killed.json()["reasons"] == ["SANCTIONED_COUNTRY", "PREDICTION_FAILED"]
    kept = whole(line, tester, killed)
    assert kept["fallback"] == {"step": "rules", "because": "PREDICTION_FAILED"}
    assert (kept["assignment"]["version"], kept["assignment"]["chosen"]) == (1, "split")
    line.wait_until("it predicted again", lambda: ask(line, caller).json()["score"] is not None, timeout=30)

    (hanging,) = models_of(line)
    hanging.send_signal(signal.SIGSTOP)
    late = ask(line, caller, country="KP", X_Request_Timeout="2")
    hanging.send_signal(signal.SIGKILL)
    assert late.json()["latency_ms"] < 2000
    assert late.json()["reasons"] == ["SANCTIONED_COUNTRY", "PREDICTION_TIMED_OUT"]
    line.wait_until("it predicted again", lambda: ask(line, caller).json()["score"] is not None, timeout=30)
    line.command("replay", "--verify")


def under_way(line: Line, key: str) -> float:
    return sum(line.metrics("andon_in_flight", key, port=line.gateway).values())
