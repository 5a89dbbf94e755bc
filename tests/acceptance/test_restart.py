"""`andon restart` under load: other processes answer, nothing is lost, and what cannot start changes nothing."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from benchmarks.line import Line, LineFailed
from benchmarks.loadgen import Load, measure
from sqlalchemy import text

from andon.kernel.db import Database
from calls import DECIDE
from lines import payment
from pressing import Pressure
from receiver import Receiver
from running import running

STRICTER = """
import lines

lines.POLICY = lines.POLICY.replace("prediction.score < 0.3', then: release", "prediction.score < 0.3', then: pause")
payments = lines.an_automation()
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
        with pytest.raises(LineFailed, match=r"ended with 6.*the one before goes on.*automation\.py.*nonsense"):
            line.command("restart")
        assert pressure.wait_for(20, after=time.monotonic())
    assert {one.status for one in pressure.answers} == {200}
    assert pressure.broken == 0
    assert pid_of(line, "gateway") == before


def pid_of(line: Line, part: str) -> int:
    (process,) = (one for one in line.processes() if one.cmdline()[-1:] == [part])
    return psutil.Process(process.pid).pid


def recorded(database: Database) -> set[str]:
    with database.begin() as tx:
        return set(tx.execute(text("SELECT id::text FROM decisions")).scalars())
