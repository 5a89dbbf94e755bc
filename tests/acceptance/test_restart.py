"""`andon restart` under load: other processes answer, nothing is lost, and what cannot start changes nothing."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from threading import Event
from typing import Any

import httpx
import psutil
import pytest
from benchmarks.loadgen import Load, measure
from sqlalchemy import make_url, text

from andon.kernel.db import Database
from andon.supervisor import control
from andon_demo.line import Line, LineFailed
from automations import payment
from calls import DECIDE
from pressing import Pressure
from proxy import Proxy
from receiver import Receiver
from running import running

pytestmark = pytest.mark.long

STRICTER = """
import automations

automations.POLICY = automations.POLICY.replace(
    "prediction.score < 0.3', then: release", "prediction.score < 0.3', then: pause"
)
payments = automations.an_automation()
"""


@pytest.fixture
def line(database: Database) -> Iterator[Line]:
    with Receiver() as receiver, running(receiver.url, {"ANDON_DATABASE_URL": database.url}) as line:
        yield line


def test_two_restarts_under_load_lose_nothing_and_a_changed_automation_takes_effect(
    line: Line, database: Database
) -> None:
    key = line.key("bank", "caller").split()[-1]
    before = pid_of(line, "gateway")
    with Pressure(line.gateway, key) as pressure:
        assert pressure.wait_for(50)
        said = line.command("restart", "gateway")
        second = pid_of(line, "gateway")
        (line.folder / "automation.py").write_text(STRICTER, encoding="utf-8")
        line.command("restart", "gateway")
        changed = time.monotonic()
        assert pressure.wait_for(50, after=changed)
    assert f"process {second} is ready" in said
    assert len({before, second, pid_of(line, "gateway")}) == 3
    assert {one.status for one in pressure.answers} == {200}
    assert pressure.broken == 0
    assert {one.content["id"] for one in pressure.answers} == recorded(database)
    assert {one.content["outcome"] for one in pressure.answers if one.asked > changed} == {"pause"}
    assert pressure.answers[0].content["outcome"] == "release"
    assert "part_ended" not in line.log.read_text(encoding="utf-8")


def test_full_load_on_many_connections_goes_on_through_a_restart(line: Line, database: Database) -> None:
    headers = {"Authorization": f"Bearer {line.key('bank', 'caller').split()[-1]}"}
    body = httpx.Request("POST", line.url, json=payment(amount=1.0)).read().decode()
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(measure, Load(f"{line.url}{DECIDE}", [body], 32, 20.0, '"outcome"', headers))
        line.wait_until("decisions are made", lambda: bool(recorded(database)), timeout=10)
        line.command("restart", "gateway")
        assert not loading.done()
        figures = loading.result()
    assert (figures.failed, figures.failures) == (0, {})
    assert figures.answered == len(recorded(database)) > 100


def test_a_gateway_that_cannot_start_leaves_the_one_before_at_work(line: Line) -> None:
    before = pid_of(line, "gateway")
    key = line.key("bank", "caller").split()[-1]
    (line.folder / "automation.py").write_text("payments = nonsense", encoding="utf-8")
    with Pressure(line.gateway, key, width=2) as pressure:
        with pytest.raises(LineFailed, match=r"ended with 6.*the previous process continues.*automation\.py.*nonsense"):
            line.command("restart")
        assert pressure.wait_for(20, after=time.monotonic())
    assert {one.status for one in pressure.answers} == {200}
    assert pressure.broken == 0
    assert pid_of(line, "gateway") == before


def test_what_was_open_before_gets_its_answers_and_what_stays_idle_is_closed_late(line: Line) -> None:
    headers = {"Authorization": f"Bearer {line.key('bank', 'caller').split()[-1]}"}
    used, unused = HTTPConnection("127.0.0.1", line.gateway), socket.create_connection(("127.0.0.1", line.gateway))
    assert asked(used, headers).status == 200
    with ThreadPoolExecutor(1) as pool, closing(used), unused:
        begun, draining = Event(), Event()
        batch = pool.submit(asked_slowly, line, headers, begun, draining)
        assert begun.wait(20)
        said = control.restart(line.folder / ".andon", ["gateway"], within=60)
        assert "is ready" in next(said)
        told = time.monotonic()
        while (answer := asked(used, headers)).getheader("Connection") != "close":
            assert answer.status == 200
            assert time.monotonic() < told + 2
        draining.set()
        assert answer.status == 200
        assert [sorted(row) for row in batch.result()] == [sorted(batch.result()[0])] * 4
        unused.settimeout(20)
        assert unused.recv(1) == b""
        assert time.monotonic() - told > 2
        assert "ended" in next(said)


def asked(connection: HTTPConnection, headers: dict[str, str]) -> HTTPResponse:
    """One decision over a connection, read to its end."""
    connection.request("POST", DECIDE, json.dumps(payment(amount=1.0)), {**headers, "Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer


def asked_slowly(line: Line, headers: dict[str, str], begun: Event, go_on: Event) -> list[dict[str, Any]]:
    """Send a batch whose second half arrives when the gateway is about to end."""
    row = json.dumps(payment(amount=1.0)).encode() + b"\n"

    def rows() -> Iterator[bytes]:
        yield row * 2
        begun.set()
        assert go_on.wait(30)
        yield row * 2

    more = {"Content-Type": "application/x-ndjson"}
    with httpx.Client(base_url=line.url, headers={**headers, **more}, trust_env=False, timeout=60) as client:
        answer = client.post(f"{DECIDE}:batch", content=rows())
    return [json.loads(one) for one in answer.text.splitlines()]


def pid_of(line: Line, part: str) -> int:
    (process,) = line.running(part)
    return psutil.Process(process.pid).pid


def recorded(database: Database) -> set[str]:
    with database.begin() as tx:
        return set(tx.execute(text("SELECT id::text FROM decisions")).scalars())


@pytest.mark.parametrize("part", ["gateway", "worker"])
@pytest.mark.parametrize("step", [b"\nFROM access_keys", b"DELETE FROM spend_writers"], ids=["keys", "spending"])
def test_a_part_waits_at_every_step_of_its_start_for_a_database_that_is_away_just_then(
    database: Database, part: str, step: bytes
) -> None:
    """A restart instead of a wait would take longer, most of all on a busy computer.

    Keys are read by a statement with a line of its own for FROM; the statement that notes their use, as the part before
    ends, has none.
    """
    url = make_url(database.url)
    with Proxy("127.0.0.1", url.port or 5432) as proxy, Receiver() as receiver:
        through = url.set(port=proxy.port).render_as_string(hide_password=False)
        with running(receiver.url, {"ANDON_DATABASE_URL": through}) as line:
            proxy.cut_before(step)
            line.command("restart", part)
            said = line.log.read_text(encoding="utf-8")
    assert said.count('"event": "start.waits"') == 1
    assert "part_ended" not in said


def test_a_gateway_has_the_ledgers_days_before_it_answers(line: Line, database: Database) -> None:
    """The worker that makes them ahead may start later, and what is decided before would stay without a partition."""
    planned = text(
        "SELECT inhrelid::regclass::text FROM pg_inherits "
        "WHERE inhparent = 'decisions'::regclass AND inhrelid != 'decisions_unplanned'::regclass ORDER BY 1"
    )
    with database.begin() as tx:
        days = tx.execute(planned).scalars().all()
        for day in days:
            tx.execute(text(f"DROP TABLE {day}"))
    line.command("restart", "gateway")
    with database.begin() as tx:
        assert tx.execute(planned).scalars().all() == days
    assert len(days) == 4


def test_a_chore_of_the_worker_that_fails_keeps_nothing_else_from_its_work(line: Line, database: Database) -> None:
    key = line.key("bank", "admin").split()[-1]
    with database.begin() as tx:
        tx.execute(text("ALTER TABLE event_inbox RENAME TO elsewhere"))
    line.command("restart", "worker")
    said = '"chore": "forget_events", "event": "worker.chore_failed"'
    line.wait_until("it was said", lambda: said in line.log.read_text(encoding="utf-8"), timeout=30)
    answer = httpx.post(
        f"{line.url}{DECIDE}", json=payment(amount=1.0), headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    assert answer.json()["outcome"] == "release"
    done = text("SELECT count(*) FROM outbox WHERE state = 'done'")

    def delivered() -> bool:
        with database.begin() as tx:
            return int(tx.execute(done).scalar_one()) == 1

    line.wait_until("the action was done", delivered, timeout=30)
    shown = httpx.get(
        f"http://127.0.0.1:{line.worker}/metrics", headers={"Authorization": f"Bearer {key}"}, trust_env=False
    ).text
    failed = [one for one in shown.splitlines() if one.startswith('andon_chores_failed_total{chore="forget_events"}')]
    assert [float(one.split()[-1]) >= 1 for one in failed] == [True]
    assert 'andon_chores_failed_total{chore="seal"} 0.0' in shown
    assert "part_ended" not in line.log.read_text(encoding="utf-8")
