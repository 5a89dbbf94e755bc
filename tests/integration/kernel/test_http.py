"""The lean HTTP client against arbitrary servers: an answer is an answer, all else ends in time with what is known."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import uvloop

from andon.kernel.addresses import AddressRefused
from andon.kernel.http import HttpOrigin, NoAnswer, NotSent, Response, UrlInvalid, request_of

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SECOND = timedelta(seconds=1)
QUICK = timedelta(seconds=0.3)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    return head + await reader.readexactly(length)


def answering(*pieces: bytes, pause: float = 0.0, close: bool = False) -> Serve:
    """Return a server that sends these pieces to every request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            if close:
                return

    return serve


class Client:
    """One origin in front of one server, and how many connections that saw."""

    def __init__(self, origin: HttpOrigin) -> None:
        self.origin = origin
        self.connections = 0

    async def ask(self, *, within: timedelta = timedelta(seconds=10), whole: bool = False) -> Response:
        request = request_of("POST", self.origin.target, {"host": self.origin.authority}, b"{}")
        return await self.origin.send(request, within=within, whole=whole)


def with_server(
    serve: Serve, work: Callable[[Client], Awaitable[None]], *, run: Callable[..., None] = asyncio.run
) -> None:
    async def both() -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            client.connections += 1
            try:
                await serve(reader, writer)
            except (asyncio.IncompleteReadError, OSError):
                pass
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        client = Client(
            HttpOrigin(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=b", allow_private=True)
        )
        try:
            await work(client)
        finally:
            await client.origin.close()
            server.close()
            await server.wait_closed()

    run(both())


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_connection_is_used_again_by_one_after_the_other_and_never_by_two(run: Callable[..., None]) -> None:
    async def work(client: Client) -> None:
        for _ in range(20):
            assert (await client.ask()).status == 200
        assert client.connections == 1
        answers = await asyncio.gather(*[client.ask(whole=True) for _ in range(30)])
        assert {answer.body for answer in answers} == {b"ok"}
        assert client.connections <= 30

    with_server(answering(OK), work, run=run)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 100 Continue\r\n\r\n", OK],
        [bytes([byte]) for byte in OK],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"2\r\nok\r\n", b"0\r\n\r\n"],
    ],
    ids=["an interim answer first", "byte by byte", "in chunks"],
)
def test_an_answer_is_read_however_it_comes(pieces: list[bytes]) -> None:
    async def work(client: Client) -> None:
        for _ in range(2):
            answer = await client.ask(whole=True)
            assert (answer.status, answer.body) == (200, b"ok")
        assert client.connections == 1

    with_server(answering(*pieces), work)


def test_a_body_that_ends_with_the_connection_is_read_to_its_end() -> None:
    async def work(client: Client) -> None:
        for _ in range(2):
            assert (await client.ask(whole=True)).body == b"all"
        assert client.connections == 2

    with_server(answering(b"HTTP/1.1 200 OK\r\n\r\nall", close=True), work)


@pytest.mark.parametrize(
    "pieces",
    [[b"SSH-2.0-OpenSSH\r\n"], [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000], [b"HTTP/1.1 200 OK\r\n"], []],
    ids=["not HTTP", "a head without end", "half a head", "nothing"],
)
def test_what_is_no_answer_was_sent_all_the_same(pieces: list[bytes]) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(NoAnswer):
            await client.ask()

    with_server(answering(*pieces, close=True), work)


def test_a_head_that_drips_ends_with_the_timeout() -> None:
    async def work(client: Client) -> None:
        with pytest.raises(NoAnswer, match="timeout after"):
            await client.ask(within=QUICK)

    with_server(answering(*[b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 100], pause=0.05), work)


def test_a_status_counts_though_the_body_drips_and_nobody_waits_for_it() -> None:
    async def work(client: Client) -> None:
        for _ in range(3):
            assert (await client.ask(within=QUICK)).status == 503
        assert client.connections == 3

    with_server(answering(b"HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\n", *[b"x"] * 100, pause=0.05), work)


def test_more_than_was_asked_for_ends_the_connection_and_harms_no_other_answer() -> None:
    async def work(client: Client) -> None:
        for _ in range(3):
            assert (await client.ask()).status == 200
            await asyncio.sleep(0.02)
        assert client.connections == 3

    with_server(answering(OK, b"HTTP/1.1 500 Unasked\r\ncontent-length: 0\r\n\r\n", pause=0.01), work)


def test_a_long_body_is_cut_and_its_connection_closed() -> None:
    async def work(client: Client) -> None:
        answer = await client.ask(whole=True)
        assert (answer.status, len(answer.body) <= 64 * 1024) == (200, True)
        assert (await client.ask(whole=True)).status == 200
        assert client.connections == 2

    with_server(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n" + b"x" * 900_000), work)


def test_a_request_that_nobody_waits_for_any_more_takes_its_connection_with_it() -> None:
    async def work(client: Client) -> None:
        waiting = asyncio.create_task(client.ask(within=timedelta(seconds=30)))
        while not client.connections:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert (await client.ask()).status == 200
        assert client.connections == 2

    calls = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await (answering() if calls == 1 else answering(OK))(reader, writer)

    with_server(serve, work)


def test_nobody_there_and_no_such_name_certainly_got_nothing() -> None:
    async def work() -> None:
        for url in ("http://127.0.0.1:1/", "http://no.such.invalid/"):
            with pytest.raises(NotSent):
                await HttpOrigin(url, allow_private=True).send(b"", within=SECOND)

    asyncio.run(work())


def test_a_private_address_is_refused_before_anything_is_sent() -> None:
    async def work(client: Client) -> None:
        with pytest.raises(AddressRefused):
            await HttpOrigin(f"http://{client.origin.authority}/").send(b"x", within=SECOND)
        assert client.connections == 0

    with_server(answering(OK), work)


@pytest.mark.parametrize("url", ["ftp://a.test/", "http:///x", "http://a.test:port/", "http://user:hush@a.test/", "a"])
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(UrlInvalid) as raised:
        HttpOrigin(url)
    assert "hush" not in str(raised.value)


def test_a_header_cannot_smuggle_in_another() -> None:
    request = request_of("POST", "/", {"x-one": "1\r\nx-evil: 2", "x-two": "3"}, b"")
    assert request == b"POST / HTTP/1.1\r\nx-two: 3\r\ncontent-length: 0\r\n\r\n"
