"""The load generator counts what was answered rightly, and names everything else."""

import asyncio
from collections.abc import Callable

from benchmarks.loadgen import Figures, Load, run

from replying import BUSY, RIGHT, replying

OTHER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def loaded(answer_of: Callable[[int, bytes], bytes | None], *, connections: int = 2, seconds: float = 0.2) -> Figures:
    """Return the figures of a load on a server with these answers."""

    async def both() -> Figures:
        async with replying(answer_of) as url:
            bodies = [f'{{"n": {n}}}' for n in range(5)]
            return await run(Load(url, bodies, connections, seconds, '"score"'))

    return asyncio.run(both())


def test_every_right_answer_counts_and_the_bodies_take_turns() -> None:
    seen: list[bytes] = []

    def answer(number: int, body: bytes) -> bytes:
        seen.append(body)
        return RIGHT

    figures = loaded(answer, connections=1)
    assert (figures.answered, figures.failed) == (len(seen), 0)
    assert [body[6:7] for body in seen[:6]] == [b"0", b"1", b"2", b"3", b"4", b"0"]
    assert 0 < figures.p50 <= figures.p95 <= figures.p99


def test_refusals_and_wrong_answers_are_failures_in_their_own_words() -> None:
    figures = loaded(lambda number, _: (RIGHT, BUSY, OTHER)[number % 3])
    assert set(figures.failures) == {"503 busy", "200 {}"}
    assert figures.failed == sum(figures.failures.values())
    assert figures.answered > 0


def test_a_lost_connection_is_a_failure_and_another_one_goes_on() -> None:
    figures = loaded(lambda number, _: None if number % 10 == 9 else RIGHT)
    assert set(figures.failures) == {"ConnectionLost"}
    assert figures.failed > 1
    assert figures.answered > figures.failed
