"""One connection, any bytes: valid requests get the same answers in the same order, however they are cut."""

import asyncio
import gc
import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from andon.wire import connection as short_way
from andon.wire.state import KnownHead
from wiring import ROUTE, Echo, answers_in, connected, settle, told

SCREEN = ROUTE.format("screen")


@dataclass(frozen=True)
class Sent:
    """A request and the answer that it deserves."""

    text: bytes
    answer: bytes


def post(
    path: str = SCREEN,
    body: bytes = b"{}",
    *,
    key: str = "anna",
    before: bytes = b"",
    headers: tuple[str, ...] = (),
    chunked: bool = False,
) -> Sent:
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    lines = [f"POST {path} HTTP/1.1", "Host: g", f"Authorization: {key}", *headers, framing, "", ""]
    content = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked and body else body
    content = b"0\r\n\r\n" if chunked and not body else content
    return Sent(before + "\r\n".join(lines).encode() + content, told(path, key, body))


bodies = st.sampled_from([b"{}", b"later1", b"later22", b"[1]", b"", b"\r\n\r\n{}", b"POST / HTTP/1.1\r\n\r\n"])
requests = st.builds(
    post,
    st.sampled_from([SCREEN, SCREEN, SCREEN, ROUTE.format("other"), "/v1/decisions", "/healthz"]),
    bodies,
    key=st.sampled_from(["anna", "bert"]),
    before=st.sampled_from([b"", b"", b"", b"\r\n", b"\r\n\r\n"]),
    headers=st.sampled_from([(), (), (), ("X-Own: 1",), ("Priority: u=7",)]),
    chunked=st.sampled_from([False, False, False, True]),
)
"""Mostly to the hot route, from two callers; some with empty lines before them, which HTTP allows."""


def pieces(text: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(edges)]


def by_request(sent: list[Sent], cuts: list[int]) -> list[bytes]:
    """Each request for itself, and here and there in two pieces."""
    return [piece for n, one in enumerate(sent) for piece in pieces(one.text, cuts[n : n + 1])]


def exchanged(app: Echo, chunks: list[bytes], turns: list[int], shedding: list[bool] | None = None) -> list[Any]:
    """Feed the pieces, with so many turns of the loop after each; all answers."""
    return fed(app, chunks, turns, shedding)[0]


def fed(
    app: Echo, chunks: list[bytes], turns: list[int], shedding: list[bool] | None = None
) -> tuple[list[Any], dict[bytes, KnownHead]]:
    """Return the answers, and the cached heads."""

    async def run() -> tuple[list[Any], dict[bytes, KnownHead]]:
        connection, transport = connected(app)
        for n, chunk in enumerate(chunks):
            app.shedding = shedding is not None and shedding[n % len(shedding)]
            connection.data_received(chunk)
            await settle(turns[n % len(turns)])
        await settle(200)
        assert not transport.closing
        connection.connection_lost(None)
        return answers_in(transport.written), connection.server_state.heads

    return asyncio.run(run())


cuts = st.lists(st.integers(0, 5000), max_size=12)
turns = st.lists(st.integers(0, 12), min_size=1, max_size=6)


@given(st.lists(requests, min_size=1, max_size=7), cuts, turns, st.booleans())
def test_any_cutting_of_valid_requests_gives_the_same_answers_in_their_order(
    sent: list[Sent], cuts: list[int], turns: list[int], apart: bool
) -> None:
    chunks = by_request(sent, cuts) if apart else pieces(b"".join(one.text for one in sent), cuts)
    answers = exchanged(Echo(), chunks, turns)
    assert [(status, body) for status, _, body in answers] == [(200, one.answer) for one in sent]


@given(st.lists(requests, min_size=1, max_size=7), cuts, turns, st.lists(st.booleans(), min_size=1, max_size=5))
def test_while_shedding_each_request_gets_its_own_answer_or_is_refused_whole_and_the_connection_goes_on(
    sent: list[Sent], cuts: list[int], turns: list[int], shedding: list[bool]
) -> None:
    app = Echo()
    answers = exchanged(app, by_request(sent, cuts), turns, shedding)
    assert len(answers) == len(sent)
    for (status, _, body), one in zip(answers, sent, strict=True):
        assert (status, body) == (200, one.answer) or status == 503
    assert [status for status, _, _ in answers].count(503) == app.ways.count("shed")


@given(st.lists(st.builds(post, body=bodies), min_size=1, max_size=4), turns)
def test_what_comes_in_pieces_is_never_shed(sent: list[Sent], turns: list[int]) -> None:
    chunks = [piece for one in sent for piece in (one.text[:20], one.text[20:])]
    answers = exchanged(Echo(), chunks, turns, [True])
    assert [body for _, _, body in answers] == [one.answer for one in sent]


def test_what_is_shed_is_a_whole_problem_document_that_says_when_to_come_again() -> None:
    ((status, headers, body),) = exchanged(Echo(), [post().text], [1], [True])
    problem = json.loads(body)
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/problem+json", "1")
    assert (problem["status"], problem["code"]) == (503, "Overloaded")
    assert problem["type"].startswith("urn:andon:problem:")


def test_a_head_that_was_seen_is_neither_parsed_again_nor_taken_for_anothers() -> None:
    app = Echo()
    sent = [
        post(body=b"11"),
        post(body=b"22"),
        post(body=b"33", key="bert"),
        post(body=b"44"),
        post(body=b"55", key="bert"),
    ]
    answers = exchanged(app, [one.text for one in sent], [20])
    assert [body for _, _, body in answers] == [one.answer for one in sent]
    assert app.ways == ["direct", "again", "direct", "again", "again"]


def test_an_answered_request_leaves_nothing_to_the_collector() -> None:
    async def go() -> int:
        line, _ = connected(Echo())
        line.data_received(post().text)
        gc.collect()
        gc.disable()
        try:
            for _ in range(100):
                line.data_received(post().text)
            return gc.collect()
        finally:
            gc.enable()

    assert asyncio.run(go()) < 50  # of a hundred


def test_empty_lines_before_a_request_are_no_head_that_could_be_remembered() -> None:
    _, heads = fed(Echo(), [post(before=b"\r\n\r\n").text, post(before=b"\r\n\r\n").text], [20])
    assert heads == {}


def test_the_second_of_two_requests_in_one_piece_is_not_remembered_under_the_head_of_the_first() -> None:
    _, heads = fed(Echo(), [post(key="anna").text + post(key="bert").text], [20])
    assert all(
        f"Authorization: {known.head.headers['authorization']}".encode() in text for text, known in heads.items()
    )


def test_a_head_of_one_request_alone_or_of_great_length_is_not_remembered() -> None:
    app = Echo()
    _, heads = fed(app, [post(headers=("X-Own: 1",)).text, post(headers=("X-Long: " + "x" * 3000,)).text], [20])
    assert app.ways == ["direct", "direct"]
    assert heads == {}


def test_a_caller_that_does_not_read_is_not_written_to_without_bound() -> None:
    async def run() -> tuple[int, int]:
        connection, transport = connected(Echo())
        connection.pause_writing()
        for _ in range(5):
            connection.data_received(post().text)
            await settle()
        blocked = len(answers_in(transport.written))
        connection.resume_writing()
        await settle(200)
        return blocked, len(answers_in(transport.written))

    assert asyncio.run(run()) == (0, 5)


def test_what_is_no_http_after_a_good_request_is_refused_only_after_its_answer() -> None:
    async def run() -> tuple[list[int], bytes, bool]:
        connection, transport = connected(Echo())
        connection.data_received(post(body=b"later").text + b"\x00garbage\r\n\r\n")
        await settle()
        answers = answers_in(transport.written)
        return [status for status, _, _ in answers], answers[0][2], transport.closing

    assert asyncio.run(run()) == ([200], post(body=b"later").answer, True)


def test_an_idle_connection_is_closed_and_one_in_use_is_not(monkeypatch: Any) -> None:
    monkeypatch.setattr(short_way, "KEEP_ALIVE_SECONDS", 0.2)

    async def run(app: Echo, used: list[bytes]) -> tuple[bool, bool]:
        connection, transport = connected(app, timeout_keep_alive=1)
        for text in used:
            connection.data_received(text)
            await asyncio.sleep(0.12)
        in_use = transport.closing
        await asyncio.sleep(1.5)
        return in_use, transport.closing

    direct, other = post().text, post("/v1/decisions").text
    for shedding, used in ((False, [direct] * 4), (True, [direct] * 4), (False, [direct, other, other, other])):
        app = Echo()
        app.shedding = shedding
        assert asyncio.run(run(app, used)) == (False, True)
