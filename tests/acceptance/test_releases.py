"""Code that nobody released decides nothing; what a release supersedes goes on for a while; no request is lost in between."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from benchmarks.line import Line, LineFailed

from automations import payment
from calls import DECIDE
from pressing import Pressure
from receiver import Receiver
from running import running

pytestmark = pytest.mark.long

STRICTER = """
import automations

automations.POLICY = automations.POLICY.replace("prediction.score < 0.3', then: release", "prediction.score < 0.3', then: pause")
payments = automations.an_automation()
refunds = automations.an_automation("refunds")
"""

OTHER_CODE = """
import automations

payments = automations.an_automation(windows=False)
refunds = automations.an_automation("refunds")
"""

PLAIN = """
import automations

payments = automations.an_automation()
refunds = automations.an_automation("refunds")
"""


@contextmanager
def a_line(hand_over: int) -> Iterator[Line]:
    """Two automations; from their first release on it takes an approval."""
    with Receiver() as receiver, running(receiver.url, {"ANDON_RELEASES_HAND_OVER_SECONDS": str(hand_over)}) as line:
        (line.folder / "automation.py").write_text(PLAIN, encoding="utf-8")
        line.command("restart")
        with (line.folder / "andon.toml").open("a", encoding="utf-8") as settings:
            settings.write('\n[releases]\napproval = "required"\n')
        yield line


def test_changed_code_answers_only_after_its_release_and_no_request_is_lost() -> None:
    with a_line(hand_over=120) as line:
        key = line.key("bank", "caller").split()[-1]
        (line.folder / "automation.py").write_text(STRICTER, encoding="utf-8")
        with Pressure(line.gateway, key, width=2) as pressure:
            with pytest.raises(
                LineFailed, match=r"here is version 2, and version 1 is released: `andon release payments"
            ):
                line.command("restart", "gateway")
            assert pressure.wait_for(20, after=time.monotonic())
            refused = time.monotonic()
            said = line.command("release", "payments", "--reason", "reviewed")
            line.command("release", "refunds", "--reason", "reviewed")
            assert "payments: version 2 is released" in said
            line.command("restart", "gateway")
            changed = time.monotonic()
            assert pressure.wait_for(20, after=changed)
        assert {one.status for one in pressure.answers} == {200}
        assert pressure.broken == 0
        assert {one.content["outcome"] for one in pressure.answers if one.at < refused} == {"release"}
        assert {one.content["outcome"] for one in pressure.answers if one.asked > changed} == {"pause"}
        assert "reviewed" in line.command("releases", "payments")


def test_a_gateway_whose_code_was_superseded_stops_after_the_hand_over_and_other_automations_go_on() -> None:
    with a_line(hand_over=2) as line:
        line.command("restart", "gateway")
        headers = {"Authorization": f"Bearer {line.key('bank', 'caller').split()[-1]}"}
        (line.folder / "automation.py").write_text(OTHER_CODE, encoding="utf-8")
        line.command("release", "payments", "--reason", "without windows")
        released = time.monotonic()
        with httpx.Client(base_url=line.url, headers=headers, trust_env=False) as client:
            while (answer := client.post(DECIDE, json=payment(amount=1.0))).status_code == 200:
                assert time.monotonic() < released + 15
                time.sleep(0.1)
            assert time.monotonic() > released + 1
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            ready = client.get("/readyz")
            others = client.post(DECIDE.replace("payments", "refunds"), json=payment(amount=1.0))
        assert "here is version 1, and version 2 is released" in answer.json()["detail"]
        assert ready.status_code == 503
        assert "`andon release payments --reason ...`" in ready.json()["problems"]["automation payments"]
        assert others.status_code == 200


def test_a_policy_that_is_published_decides_within_a_second_without_a_restart() -> None:
    with Receiver() as receiver, running(receiver.url) as line:
        key = line.key("bank", "caller").split()[-1]
        text = line.command("policy", "show", "payments").replace("< 0.3', then: release", "< 0.3', then: pause")
        file = line.folder / "stricter.yaml"
        file.write_text(text, encoding="utf-8")
        with Pressure(line.gateway, key, width=2) as pressure:
            assert pressure.wait_for(20)
            said = line.command("policy", "publish", "payments", str(file), "--reason", "a bad night")
            published = time.monotonic()
            assert pressure.wait_for(20, after=published + 1)
        version = said.split()[2]
        assert {one.status for one in pressure.answers} == {200}
        after = [one.content for one in pressure.answers if one.asked > published + 1]
        assert {(one["outcome"], one["policy_version"]) for one in after} == {("pause", version)}
        first = pressure.answers[0].content["policy_version"]
        assert f"{version} (in force)" in line.command("policy", "list", "payments")
        assert "-  - {id: safe" in line.command("policy", "diff", "payments", first)
        line.command("policy", "use", "payments", first, "--reason", "the night is over")
        line.command("restart")
        assert "100.00%" in line.command("replay", "--verify")
