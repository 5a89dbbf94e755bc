"""Unreleased code decides nothing; a superseded release continues for a while; no request is lost in between."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest

import automations
from andon import Automation, decisions, policies
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon_demo.line import Line, LineFailed
from automations import an_automation, payment
from calls import DECIDE
from lines import OWNER
from pressing import Pressure
from receiver import Receiver
from running import prepared, running

pytestmark = pytest.mark.long

CODE = """
import automations

payments = automations.an_automation()
refunds = automations.an_automation("refunds")
"""
STRICTER = automations.POLICY.replace("prediction.score < 0.3', then: release", "prediction.score < 0.3', then: pause")


@contextmanager
def a_line(database: Database, hand_over: int) -> Iterator[Line]:
    """Two automations whose releases take an approval, and whose first versions have it."""
    for automation in (an_automation(), an_automation("refunds")):
        release(database, deployed(database, automation), automation.name)
    settings = {
        "ANDON_DATABASE_URL": database.url,
        "ANDON_RELEASES_APPROVAL": "required",
        "ANDON_RELEASES_HAND_OVER_SECONDS": str(hand_over),
    }
    with Receiver() as receiver, prepared(receiver.url, settings) as line:
        (line.folder / "automation.py").write_text(CODE, encoding="utf-8")
        line.up()
        yield line


def deployed(database: Database, automation: Automation) -> int:
    with database.begin() as tx:
        return decisions.deploy(tx, automation, actor=OWNER, now=datetime.now(UTC)).number


def release(database: Database, version: int, name: str = "payments") -> None:
    with database.begin() as tx:
        now, events = datetime.now(UTC), Events()
        decisions.release(tx, name, version, actor=OWNER, reason="reviewed", now=now, events=events)


def test_changed_code_answers_only_after_its_release_and_no_request_is_lost(database: Database) -> None:
    with a_line(database, hand_over=120) as line:
        key = line.key("bank", "caller").split()[-1]
        changed_code = f"import automations\n\nautomations.POLICY = '''{STRICTER}'''\n{CODE}"
        (line.folder / "automation.py").write_text(changed_code, encoding="utf-8")
        with Pressure(line.gateway, key, width=2) as pressure:
            with pytest.raises(LineFailed, match="here is version 2, but version 1 is released: run `andon release"):
                line.command("restart", "gateway")
            refused = time.monotonic()
            assert pressure.wait_for(20, after=refused)
            release(database, 2)
            release(database, 2, "refunds")
            line.command("restart", "gateway")
            changed = time.monotonic()
            assert pressure.wait_for(20, after=changed)
    assert {one.status for one in pressure.answers} == {200}
    assert pressure.broken == 0
    assert {one.content["outcome"] for one in pressure.answers if one.at < refused} == {"release"}
    assert {one.content["outcome"] for one in pressure.answers if one.asked > changed} == {"pause"}


def test_a_gateway_whose_code_was_superseded_stops_after_the_hand_over_and_other_automations_go_on(
    database: Database,
) -> None:
    other = an_automation()
    other.fallback = ("rules",)
    with a_line(database, hand_over=2) as line:
        headers = {"Authorization": f"Bearer {line.key('bank', 'caller').split()[-1]}"}
        released = time.monotonic()
        release(database, deployed(database, other))
        with httpx.Client(base_url=line.url, headers=headers, trust_env=False, timeout=20) as client:
            while (answer := client.post(DECIDE, json=payment(amount=1.0))).status_code == 200:
                assert time.monotonic() < released + 30
                time.sleep(0.1)
            stopped = time.monotonic()
            ready = client.get("/readyz")
            others = client.post(DECIDE.replace("payments", "refunds"), json=payment(amount=1.0))
    assert stopped > released + 1.5
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "here is version 1, but version 2 is released" in answer.json()["detail"]
    assert ready.status_code == 503
    assert "`andon release payments --reason ...`" in ready.json()["problems"]["automation payments"]
    assert others.status_code == 200


def test_a_policy_that_is_published_decides_within_a_second_without_a_restart(database: Database) -> None:
    with Receiver() as receiver, running(receiver.url, {"ANDON_DATABASE_URL": database.url}) as line:
        key = line.key("bank", "caller").split()[-1]
        with Pressure(line.gateway, key, width=2) as pressure:
            assert pressure.wait_for(20)
            with database.begin() as tx:
                version = decisions.publish_policy(
                    tx,
                    an_automation(),
                    STRICTER,
                    source="policy",
                    actor=OWNER,
                    reason="a bad night",
                    now=datetime.now(UTC),
                    events=Events(),
                ).version
            published = time.monotonic()
            assert pressure.wait_for(20, after=published + 1)
        with database.begin() as tx:
            first = policies.history(tx, "payments")[-1]
        replayed = line.command("replay", "--verify")
    assert {one.status for one in pressure.answers} == {200}
    after = [one.content for one in pressure.answers if one.asked > published + 1]
    assert {(one["outcome"], one["policy_version"]) for one in after} == {("pause", version)}
    assert pressure.answers[0].content["policy_version"] == first.version
    assert "100.00%" in replayed
