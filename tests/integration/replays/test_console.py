"""The page on which a policy is tried before it is published: who may, what it shows, and that one tries at a time."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from uuid import uuid4

import httpx
import pytest
from tests.served import served

from andon import console
from andon.access import Grant, KeyRing, Role
from andon.bootstrap import rehearsing
from andon.bootstrap.installation import settings_here
from andon.bootstrap.rehearsing import rehearsal
from andon.bootstrap.replaying import Replaying
from andon.kernel.config import Settings
from andon.kernel.events import Events
from andon.replays import EARLIEST, ReplayBusy, ReplayQuestion, TriedPolicy
from lines import PEPPER
from proving import POLICY, GatedLine
from replaying import STRICTER

PAGE = "/automations/gated/policy"


@contextmanager
def visiting(line: GatedLine, *grants: Grant) -> Iterator[httpx.Client]:
    """Somebody with these grants, signed in."""
    clock = line.installation.clock
    rehearse = rehearsal(settings_here(), line.database)
    app = console.create_app(Settings(), line.database, clock, KeyRing(PEPPER), Events(), rehearse)
    token = line.installation.key(f"somebody-{uuid4().hex}", *grants)
    with served(app) as address, httpx.Client(base_url=address, headers={"Origin": address}, timeout=30) as client:
        client.post("/sign-in", data={"key": token, "next": "/"})
        yield client


def tried(client: httpx.Client, text: str) -> httpx.Response:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get(PAGE).text)
    assert csrf is not None
    return client.post(PAGE, data={"csrf": csrf[1], "text": text})


def test_an_operator_changes_the_text_and_sees_what_would_have_come_out(line: GatedLine) -> None:
    with visiting(line, Grant(Role.OPERATOR)) as client:
        assert "prediction.score &lt; 0.5" in client.get(PAGE).text
        assert PAGE in client.get("/automations/gated").text
        shown = tried(client, STRICTER.replace("\n", "\r\n"))
        assert shown.status_code == 200
        assert "Outcomes that change" in shown.text
        assert "300 decisions of gated" in shown.text
        assert re.search(r'href="/decisions/[0-9a-f-]{36}"', shown.text)
        assert "No outcome changes" in tried(client, POLICY).text
        wrong = tried(client, STRICTER.replace("prediction.score", "input.amuont"))
        assert wrong.status_code == 422
        assert "amuont" in wrong.text


def test_whoever_may_not_read_the_automation_may_not_try_either(line: GatedLine) -> None:
    with visiting(line, Grant(Role.OPERATOR, "another")) as client:
        assert client.get(PAGE).status_code == 403


def test_one_is_tried_at_a_time_and_only_as_long_as_allowed(line: GatedLine, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearse = rehearsal(settings_here(), line.database)
    question = ReplayQuestion("gated", EARLIEST, line.installation.clock.now(), policy=TriedPolicy(POLICY, "it"))
    begun, on, prepared = Event(), Event(), Replaying.prepared

    def slowly(*given: object) -> Replaying:
        begun.set()
        on.wait(10)
        return prepared(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(rehearsing.Replaying, "prepared", slowly)
    first = Thread(target=rehearse, args=(question,))
    first.start()
    begun.wait(10)
    with pytest.raises(ReplayBusy):
        rehearse(question)
    on.set()
    first.join()
    monkeypatch.setattr(rehearsing, "SECONDS", 0)
    report = rehearse(question)
    assert report.decisions == 0
    assert report.asked.stopped == "After 0 seconds only the newest 0 were done"
