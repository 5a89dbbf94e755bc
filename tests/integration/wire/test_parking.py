"""Parked connections: each request gets one answer, and the shedder refuses nothing but requests for decisions."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import uvloop
from sqlalchemy import text

from andon.access import Grant, Role
from andon.kernel.db import Database
from andon.wire import Parking
from andon.wire.parking import PARK_AFTER, PARKED_SECONDS
from andon.wire.shedder import REFUSAL
from andon.wire.state import WireState
from automations import payment
from calls import DECIDE
from lines import CALLER, install
from listening import listening
from wiring import ROUTE, Echo, answers_in, serving, told

PAYMENTS = ROUTE.format("payments")
LONG = 60.0
"""Seconds that no test waits for."""


class Load:
    """A fake load for the parking: crowded until a test says otherwise. `refused` counts the shedder's refusals."""

    shedding = True

    def __init__(self) -> None:
        self.crowded = True
        self.refused: Counter[str] = Counter()

    def tally(self, automation: str, times: int) -> None:
        self.refused[automation] += times


class Crowd:
    """A gateway that sheds and is crowded, with connections to it that are parked."""

    def __init__(self, port: int, state: WireState, app: Echo, parking: Parking, load: Load) -> None:
        self.port = port
        self.parking = parking
        self.state = state
        self.app = app
        self.load = load
        self.callers: list[Caller] = []

    async def parked(self) -> "Caller":
        """Return a connection on which two requests were refused just now."""
        self.app.shedding = True
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port))
        self.callers.append(caller)
        assert [(await caller.ask(post()))[0] for _ in range(2)] == [503, 503]
        self.app.shedding = False
        return caller


class Caller:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, text: bytes) -> tuple[int, dict[str, str], bytes]:
        self.writer.write(text)
        return await self.answer()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        ((status, headers, body),) = answers_in(head + await self.reader.readexactly(length))
        return status, headers, body


def post(body: bytes = b"{}", path: str = PAYMENTS) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: g\r\nAuthorization: anna\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )


@asynccontextmanager
async def crowd(seconds: float = LONG, many: int = 1) -> AsyncIterator[Crowd]:
    app = Echo()
    load = Load()
    parking = Parking(load, seconds=seconds, many=many)
    async with asyncio.timeout(20), serving(app, parking) as (port, state):
        at = Crowd(port, state, app, parking, load)
        try:
            yield at
        finally:
            parking.close()
            for caller in at.callers:
                caller.writer.close()
            while state.connections:
                await asyncio.sleep(0.01)


def shedder_of(crowd: Crowd) -> int:
    """Return the process that refuses."""
    process: Any = crowd.parking.__dict__["_process"]
    return int(process.pid)


async def until_read(caller: Caller) -> bytes:
    """Ask until the gateway answers again."""
    while (answer := await caller.ask(post()))[0] == 503:
        pass
    return answer[2]


@pytest.mark.parametrize("other", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_request_that_says_its_length_in_two_ways_is_bad_also_while_many_are_refused(other: str) -> None:
    doubtful = post().replace(b"\r\n\r\n", f"\r\n{other}\r\n\r\n".encode())

    async def run() -> None:
        async with crowd() as at:
            parked = await at.parked()
            at.app.shedding = True
            fresh = Caller(*await asyncio.open_connection("127.0.0.1", at.port))
            at.callers.append(fresh)
            for caller in (parked, fresh):
                status, headers, _ = await caller.ask(doubtful)
                assert (status, headers["connection"]) == (400, "close")
                assert await caller.reader.read() == b""

    uvloop.run(run())


def test_what_comes_next_is_refused_elsewhere_in_the_same_words_and_counted_for_its_automation() -> None:
    async def run() -> None:
        async with crowd() as at:
            first, second = await at.parked(), await at.parked()
            answers = [await caller.ask(post()) for caller in (first, second, first)]
            assert {status for status, _, _ in answers} == {503}
            assert {(headers["retry-after"], headers["content-type"]) for _, headers, _ in answers} == {
                ("1", "application/problem+json")
            }
            assert at.app.ways == ["shed"] * 4  # the gateway itself
            at.load.crowded = False
            assert await until_read(first) == told(PAYMENTS, "anna", b"{}")
            assert at.load.refused["payments"] >= 3

    uvloop.run(run())


def test_it_keeps_off_the_processor_on_which_the_gateway_is_now() -> None:
    ours = os.sched_getaffinity(0)

    async def run() -> None:
        async with crowd() as at:
            parked = await at.parked()
            assert (await parked.ask(post()))[0] == 503  # by the process: it is there, and may run where we may
            for here in (min(ours), max(ours), min(ours)):
                os.sched_setaffinity(0, {here})
                while os.sched_getaffinity(shedder_of(at)) != (ours - {here} or ours):
                    assert (await parked.ask(post()))[0] == 503

    try:
        uvloop.run(run())
    finally:
        os.sched_setaffinity(0, ours)


def test_who_was_answered_a_moment_ago_is_parked_once_he_is_refused() -> None:
    async def run() -> None:
        async with crowd() as at:
            caller = Caller(*await asyncio.open_connection("127.0.0.1", at.port))
            at.callers.append(caller)
            assert (await caller.ask(post()))[0] == 200
            at.app.shedding = True
            assert (await caller.ask(post()))[0] == 503
            at.app.shedding = False
            assert [(await caller.ask(post()))[0] for _ in range(2)] == [503, 503]
            assert at.app.ways == ["direct", "shed"]

    uvloop.run(run())


def test_who_asks_for_the_first_time_or_after_a_while_is_not_parked_when_he_is_refused() -> None:
    async def run() -> None:
        async with crowd() as at:
            at.app.shedding = True
            caller = Caller(*await asyncio.open_connection("127.0.0.1", at.port))
            at.callers.append(caller)
            for _ in range(2):
                assert (await caller.ask(post()))[0] == 503
                assert at.parking.parked == 0
                await asyncio.sleep(PARK_AFTER)

    uvloop.run(run())


def test_who_waits_as_long_as_he_is_told_to_is_read_by_the_gateway() -> None:
    async def run() -> None:
        async with crowd(seconds=PARKED_SECONDS) as at:
            caller = await at.parked()
            _, headers, _ = answers_in(REFUSAL)[0]
            await asyncio.sleep(int(headers["retry-after"]))
            assert (await caller.ask(post()))[0] == 200

    uvloop.run(run())


def test_the_time_counts_from_the_refusal_also_when_the_process_hears_late_of_a_connection() -> None:
    async def run() -> None:
        async with crowd(seconds=PARKED_SECONDS) as at:
            assert (await (await at.parked()).ask(post()))[0] == 503  # by the process: it is there
            os.kill(shedder_of(at), signal.SIGSTOP)
            caller = await at.parked()
            await asyncio.sleep(PARKED_SECONDS + 0.01)  # timers of the event loop end up to a millisecond early
            caller.writer.write(post())
            os.kill(shedder_of(at), signal.SIGCONT)
            assert (await caller.answer())[0] == 200

    uvloop.run(run())


def test_where_few_are_refused_nobody_is_parked() -> None:
    async def run() -> None:
        async with crowd(many=5) as at:
            callers = [await at.parked() for _ in range(2)]  # four refusals
            assert [(await caller.ask(post()))[0] for caller in callers] == [200, 200]
            await at.parked()
            assert at.parking.parked

    uvloop.run(run())


def test_a_connection_comes_back_after_a_while_though_it_is_crowded_still() -> None:
    async def run() -> None:
        async with crowd(seconds=0.1) as at:
            caller = await at.parked()
            asked = 1
            while (await caller.ask(post()))[0] == 503:
                asked += 1
            assert at.app.ways[:3] == ["shed", "shed", "direct"]
            assert at.load.refused["payments"] == asked - 1

    uvloop.run(run())


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n"],
        [post(path="/v1/events")],
        [post()[:40], post()[40:]],
        [post()[:-1], post()[-1:]],
        [post(b"1" * 70_000)],
    ],
    ids=["another method", "another route", "a head in pieces", "a body in pieces", "a long one"],
)
def test_anything_but_a_whole_request_for_a_decision_comes_back_unread_and_gets_its_answer(pieces: list[bytes]) -> None:
    async def run() -> None:
        async with crowd() as at:
            caller = await at.parked()
            for piece in pieces:
                caller.writer.write(piece)
                while at.parking.parked:
                    await asyncio.sleep(0.01)
            assert (await caller.answer())[0] == 200
            assert not at.load.refused

    uvloop.run(run())


def test_several_at_once_come_back_and_each_gets_its_answer() -> None:
    async def run() -> None:
        async with crowd() as at:
            caller = await at.parked()
            caller.writer.write(post(b"1") + post(b"2"))
            answers = [await caller.answer() for _ in range(2)]
            assert [(status, body) for status, _, body in answers] == [
                (200, told(PAYMENTS, "anna", body)) for body in (b"1", b"2")
            ]

    uvloop.run(run())


def test_when_the_shedder_is_killed_the_gateway_goes_on_by_itself() -> None:
    async def run() -> None:
        async with crowd() as at:
            callers = [await at.parked() for _ in range(3)]
            os.kill(shedder_of(at), signal.SIGKILL)
            assert [(await caller.ask(post()))[0] for caller in callers] == [200] * 3
            assert (await (await at.parked()).ask(post()))[0] == 200  # none is started for a while

    uvloop.run(run())


def test_a_shedder_that_hangs_is_ended_and_what_it_had_is_answered() -> None:
    async def run() -> None:
        async with crowd(seconds=1.0) as at:
            callers = [await at.parked() for _ in range(3)]
            pid = shedder_of(at)
            os.kill(pid, signal.SIGSTOP)
            assert at.parking.parked == 3
            assert [(await caller.ask(post()))[0] for caller in callers] == [200] * 3
            assert not psutil.pid_exists(pid)

    uvloop.run(run())


def test_a_caller_that_goes_while_it_is_parked_is_gone() -> None:
    async def run() -> None:
        async with crowd() as at:
            caller = await at.parked()
            assert len(at.state.connections) == 1
            caller.writer.close()
            while at.state.connections:
                await asyncio.sleep(0.01)

    uvloop.run(run())


def test_the_process_knows_no_secret_and_ends_with_the_gateway_and_what_was_parked_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANDON_SECRET", "very-secret")

    async def run() -> None:
        async with crowd() as at:
            caller = await at.parked()
            assert (await caller.ask(post()))[0] == 503  # so it runs
            pid = shedder_of(at)
            assert "ANDON_SECRET" not in psutil.Process(pid).environ()
            at.parking.close()
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
            assert (await caller.ask(post()))[0] == 200

    uvloop.run(run())


def test_of_a_rush_each_request_is_recorded_or_refused_and_counted_once(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path)
    headers = {"Authorization": f"Bearer {installation.key('bank', CALLER)}"}
    viewer = {"Authorization": f"Bearer {installation.key('eye', Grant(Role.VIEWER))}"}
    statuses: Counter[int] = Counter()

    async def calls(client: httpx.AsyncClient, caller: int) -> None:
        for number in range(20):
            response = await client.post(DECIDE, json=payment(100 * caller + number), headers=headers)
            statuses[response.status_code] += 1

    async def run(url: str) -> None:
        pool = httpx.Limits(max_connections=30)
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=url, limits=pool, timeout=20) as client:
            await asyncio.gather(*(calls(client, caller) for caller in range(30)))
            counted = f'andon_refused_total{{automation="payments",reason="queue"}} {statuses[503]:.1f}'
            while counted not in (await client.get("/metrics", headers=viewer)).text:
                await asyncio.sleep(0.05)  # those of the last quarter of a second are still to be told

    with listening(installation, max_in_flight=4) as url:
        asyncio.run(run(url))
    assert set(statuses) == {200, 503}
    assert statuses.total() == 600
    with installation.database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM decisions")).scalar_one() == statuses[200]
