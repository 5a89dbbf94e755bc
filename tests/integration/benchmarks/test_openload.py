"""The open-loop generator offers its load, and distinguishes the good from the late, the refused and the lost."""

import asyncio
from collections.abc import Callable

import pytest
from benchmarks.openload import Offer, Told, run

from andon_demo.line import free_ports
from replying import BUSY, RIGHT, replying


def offered(
    answer_of: Callable[[int, bytes], bytes | None],
    *,
    connections: int = 20,
    deadline: float = 5.0,
    rate: float = 2000.0,
) -> Told:
    """Return the result of a load of 0.3 s on a server with these answers."""

    async def both() -> Told:
        async with replying(answer_of) as url:
            bodies = [f'{{"n": {n}}}' for n in range(5)]
            return await asyncio.to_thread(run, Offer(url, bodies, rate, 0.3, deadline, connections))

    return asyncio.run(both())


def test_all_that_is_due_is_sent_and_the_bodies_take_turns() -> None:
    seen: list[bytes] = []

    def answer(number: int, body: bytes) -> bytes:
        seen.append(body)
        return RIGHT

    told = offered(answer, connections=1)
    assert [body[6:7] for body in seen[:6]] == [b"0", b"1", b"2", b"3", b"4", b"0"]
    assert told.offered == pytest.approx(600, rel=0.2)
    assert told.good + told.failures["never sent"] == told.offered
    assert told.good == len(seen)
    assert 0 < told.p50 <= told.p99


def test_what_is_refused_is_no_good_answer_and_no_failure() -> None:
    told = offered(lambda number, _: BUSY if number % 2 else RIGHT)
    assert (told.good + told.refused, told.failed - told.failures["never sent"]) == (told.offered, 0)
    assert told.refused == pytest.approx(told.good, abs=1)


def test_what_waits_for_a_connection_counts_from_when_it_was_due() -> None:
    told = offered(lambda *_: RIGHT, connections=1, deadline=0.05, rate=200_000.0)
    assert told.late + told.failures["never sent"] > told.good > 0
    assert told.late > 0
    assert told.p99 > 100


def test_a_lost_connection_is_a_failure_and_another_one_goes_on() -> None:
    told = offered(lambda number, _: None if number % 10 == 9 else RIGHT)
    assert told.failures["ConnectionLost"] > 1
    assert told.good > told.failures["ConnectionLost"]
    assert told.good + told.failed == told.offered


def test_a_word_to_an_idle_connection_is_the_answer_to_no_request() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def both() -> Told:
        (port,) = free_ports(1)
        async with await asyncio.start_server(serve, "127.0.0.1", port):
            told = await asyncio.to_thread(run, Offer(f"http://127.0.0.1:{port}/", ["{}"], 30.0, 0.3, 5.0, 5))
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0)
            return told

    told = asyncio.run(both())
    assert told.offered > 1
    assert told.failed == told.offered


def test_where_nobody_listens_it_says_so() -> None:
    with pytest.raises(ConnectionRefusedError):
        run(Offer("http://127.0.0.1:9/", ["{}"], 10.0, 0.1, 1.0, 1))
