"""The gateway's own server against slow, faulty or absent callers: nothing incomplete is recorded."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from andon.kernel.db import Database
from andon.wire import bounds
from automations import payment
from calls import DECIDE
from lines import CALLER, Installation, install
from listening import listening

BODY = json.dumps(payment()).encode()


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def key(installation: Installation) -> str:
    return installation.key("bank", CALLER)


@pytest.fixture
def gateway(installation: Installation, key: str) -> Iterator[str]:
    with listening(installation, max_body_bytes=10_000) as url:
        yield url


class Caller:
    """One connection on which any bytes can be sent."""

    def __init__(self, url: str, key: str) -> None:
        address = urlsplit(url)
        self.key = key
        self.socket = socket.create_connection((address.hostname, address.port), timeout=10)

    def head(self, *lines: str, version: str = "1.1", key: str | None = None) -> bytes:
        """Return a decide request up to its body."""
        fixed = [f"POST {DECIDE} HTTP/{version}", "Host: gateway", f"Authorization: Bearer {key or self.key}"]
        return "\r\n".join([*fixed, "Content-Type: application/json", *lines, "", ""]).encode()

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def answer(self) -> tuple[int, dict[str, object], HTTPResponse]:
        """Return the next answer."""
        response = HTTPResponse(self.socket, method="POST")
        response.begin()
        return response.status, json.loads(response.read()), response

    def is_closed(self) -> bool:
        """Whether the other side has closed; waits for it."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
def caller(gateway: str, key: str) -> Iterator[Caller]:
    caller = Caller(gateway, key)
    with closing(caller.socket):
        yield caller


def recorded(installation: Installation) -> int:
    with installation.database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def ask(url: str, key: str) -> int:
    """Send a whole request on a connection of its own."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    with closing(connection):
        connection.request("POST", DECIDE, BODY, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        return connection.getresponse().status


def test_a_whole_request_in_a_connection_that_ends_half_way_is_not_decided(
    installation: Installation, gateway: str, key: str, caller: Caller
) -> None:
    caller.send(caller.head(f"Content-Length: {len(BODY) + 5}"), BODY)
    caller.socket.close()
    assert ask(gateway, key) == 200
    assert recorded(installation) == 1


def test_a_chunked_body_that_ends_half_way_is_not_decided(
    installation: Installation, gateway: str, key: str, caller: Caller
) -> None:
    caller.send(caller.head("Transfer-Encoding: chunked"), b"%x\r\n%s\r\n" % (len(BODY), BODY))
    caller.socket.close()
    assert ask(gateway, key) == 200
    assert recorded(installation) == 1


def test_a_chunked_body_is_decided_and_one_over_the_limit_refused_before_its_end(
    installation: Installation, gateway: str, key: str, caller: Caller
) -> None:
    caller.send(caller.head("Transfer-Encoding: chunked"))
    for byte in BODY:
        caller.send(b"1\r\n%c\r\n" % byte)
    caller.send(b"0\r\n\r\n")
    assert caller.answer()[0] == 200
    caller.send(caller.head("Transfer-Encoding: chunked"), b"%x\r\n%s\r\n" % (20_000, b" " * 20_000))
    status, problem, _ = caller.answer()
    assert (status, problem["code"]) == (413, "BodyTooLarge")
    assert recorded(installation) == 1


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: 5", "Content-Length: 6"], b"{}   "),
        (["Content-Length: 5", "Transfer-Encoding: chunked"], b"5\r\n{}   \r\n0\r\n\r\n"),
        (["Content-Length: -1"], b"{}"),
        (["Content-Length: many"], b"{}"),
        (["Transfer-Encoding: chunked"], b"xyz\r\n{}\r\n"),
        (["Bad Header: x"], b""),
        (["Host: another", "Content-Length: 2"], b"{}"),
        (["Transfer-Encoding: gzip, chunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    ],
)
def test_what_is_no_http_is_refused_as_a_problem_and_the_connection_closed(
    installation: Installation, caller: Caller, lines: list[str], body: bytes
) -> None:
    caller.send(caller.head(*lines), body)
    status, problem, response = caller.answer()
    assert (status, problem["code"]) == (400, "BadRequest")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert caller.is_closed()
    assert recorded(installation) == 0


@pytest.mark.parametrize(
    ("head", "said"), [("POST / HTTP/1.1\r\n", "one Host header"), ("POST / HTTP/2.0\r\nHost: a\r\n", "use HTTP/1.1")]
)
def test_what_is_wrong_with_a_head_is_told(caller: Caller, head: str, said: str) -> None:
    caller.send(f"{head}Content-Length: 2\r\n\r\n{{}}".encode())
    status, problem, _ = caller.answer()
    assert (status, said in problem["detail"]) == (400, True)
    assert caller.is_closed()


def test_a_head_without_end_is_refused(gateway: str, key: str, caller: Caller) -> None:
    caller.send(f"POST {DECIDE} HTTP/1.1\r\nX-Filler: ".encode())
    with pytest.raises(OSError, match=r".*"):  # noqa: PT012 - how far it gets depends on the buffers between
        for _ in range(1_000):
            caller.send(b"x" * 65_536)
            time.sleep(0.001)
    assert ask(gateway, key) == 200


def test_a_head_that_is_too_long_is_told_so(caller: Caller) -> None:
    caller.send(f"POST {DECIDE} HTTP/1.1\r\nX-Filler: ".encode(), b"x" * (bounds.HEAD_BYTES + 1))
    status, problem, _ = caller.answer()
    assert (status, problem["code"]) == (431, "RequestHeaderFieldsTooLarge")


def test_pipelined_requests_are_answered_in_their_order(installation: Installation, caller: Caller) -> None:
    requests = [
        caller.head(f"Content-Length: {len(BODY)}", f"X-Correlation-ID: number-{number}") + BODY for number in range(20)
    ]
    caller.send(*requests)
    reader = caller.socket.makefile("rb")
    with closing(reader):
        order = []
        for _ in requests:
            headers = {}
            assert reader.readline().split()[1] == b"200"
            while line := reader.readline().strip():
                name, _, value = line.partition(b": ")
                headers[name] = value
            order.append(json.loads(reader.read(int(headers[b"content-length"])))["correlation_id"])
    assert order == [f"number-{number}" for number in range(20)]
    assert recorded(installation) == 20


def test_http_1_0_is_answered_and_the_connection_closed(caller: Caller) -> None:
    caller.send(caller.head(f"Content-Length: {len(BODY)}", version="1.0"), BODY)
    assert caller.answer()[0] == 200
    assert caller.is_closed()


def test_a_connection_is_of_use_after_a_refusal(caller: Caller) -> None:
    caller.send(caller.head(f"Content-Length: {len(BODY)}", key="andon_wrong"), BODY)
    assert caller.answer()[0] == 401
    caller.send(caller.head(f"Content-Length: {len(BODY)}"), BODY)
    assert caller.answer()[0] == 200


@pytest.mark.parametrize(
    "begun",
    [
        lambda _: b"",
        lambda _: b"POST ",
        lambda caller: caller.head(f"Content-Length: {len(BODY)}") + BODY[:-1],
        lambda caller: caller.head("Transfer-Encoding: chunked") + b"5\r\n{",
    ],
    ids=["silent", "half a head", "half a body", "half a chunk"],
)
def test_who_takes_too_long_to_ask_is_let_go_and_holds_up_nobody(
    installation: Installation,
    gateway: str,
    key: str,
    begun: Callable[[Caller], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "ARRIVAL_SECONDS", 1.5)
    slow = [Caller(gateway, key) for _ in range(50)]
    for caller in slow:
        caller.send(piece := begun(caller))
    dripping = threading.Timer(0.25, lambda: [caller.socket.sendall(b" ") for caller in slow if piece == b"POST "])
    dripping.start()
    began = time.monotonic()
    assert ask(gateway, key) == 200
    assert time.monotonic() - began < 1.5
    dripping.join()
    for caller in slow:
        with closing(caller.socket):
            status, problem, _ = caller.answer()
            assert (status, problem["code"]) == (408, "RequestTimeout")
            assert caller.is_closed()
    assert time.monotonic() - began < 6
    assert recorded(installation) == 1


def test_who_has_to_wait_behind_their_own_request_is_not_taken_for_slow(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "ARRIVAL_SECONDS", 1.5)
    caller.send(caller.head(f"Content-Length: {len(BODY)}", "Prefer: respond-async"), BODY)
    location = caller.answer()[1]["location"]
    waiting = (
        f"GET {location} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {caller.key}\r\nPrefer: wait=2\r\n\r\n"
    )
    caller.send(waiting.encode(), caller.head(f"Content-Length: {len(BODY)}"), BODY[:-1])
    status, told, _ = caller.answer()
    assert (status, told["status"]) == (202, "pending")
    caller.send(BODY[-1:])
    assert caller.answer()[0] == 200
