"""A batch on the wire: answered while it is sent, however slowly, and not waited for when nothing more comes."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text

from andon.kernel.db import Database
from andon.wire import bounds
from automations import payment
from calls import DECIDE
from lines import CALLER, Installation, install
from listening import listening

NDJSON = "application/x-ndjson"


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def key(installation: Installation) -> str:
    return installation.key("bank", CALLER)


@pytest.fixture
def url(installation: Installation, key: str) -> Iterator[str]:
    with listening(installation) as url:
        yield url


def opened(url: str, key: str, *lines: str) -> socket.socket:
    """Return a connection on which the head of a batch without a length was sent."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port), timeout=10)
    head = [f"POST {DECIDE}:batch HTTP/1.1", "Host: gateway", f"Authorization: Bearer {key}", f"Content-Type: {NDJSON}"]
    connection.sendall("\r\n".join([*head, "Transfer-Encoding: chunked", *lines, "", ""]).encode())
    return connection


def chunk(*rows: object) -> bytes:
    content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    return b"%x\r\n%b\r\n" % (len(content), content)


def until(connection: socket.socket, what: bytes) -> bytes:
    """All that comes up to `what`; what came until the connection was closed if it never does."""
    content = b""
    while what not in content and (more := connection.recv(65_536)):
        content += more
    return content


def count(installation: Installation) -> int:
    with installation.database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def test_a_row_is_answered_before_the_next_is_sent(url: str, key: str) -> None:
    with closing(opened(url, key)) as connection:
        for n in range(3):
            connection.sendall(chunk(payment(n)))
            assert b'"outcome":"release"' in until(connection, b'"latency_ms":')
        connection.sendall(b"0\r\n\r\n")
        assert until(connection, b"0\r\n\r\n").endswith(b"0\r\n\r\n")


def test_a_caller_may_ask_whether_to_go_on(url: str, key: str) -> None:
    with closing(opened(url, key, "Expect: 100-continue")) as connection:
        assert until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        connection.sendall(chunk(payment()) + b"0\r\n\r\n")
        assert b'"outcome":"release"' in until(connection, b"0\r\n\r\n")


def test_a_batch_may_take_longer_than_other_requests_as_long_as_something_comes(
    url: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "ARRIVAL_SECONDS", 0.5)
    with closing(opened(url, key)) as connection:
        began = time.monotonic()
        for n in range(8):
            connection.sendall(chunk(payment(n)))
            until(connection, b'"latency_ms":')
            time.sleep(0.2)  # a slow caller
        connection.sendall(b"0\r\n\r\n")
        assert until(connection, b"0\r\n\r\n").endswith(b"0\r\n\r\n")
        assert time.monotonic() - began > 3 * 0.5


def test_a_batch_of_which_nothing_more_comes_is_given_up_and_what_came_is_decided(
    installation: Installation, url: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "ARRIVAL_SECONDS", 0.3)
    with closing(opened(url, key)) as connection:
        connection.sendall(chunk(payment(1), payment(2)))
        answered = until(connection, b"0\r\n\r\n")
        assert not answered.endswith(b"0\r\n\r\n")
    assert count(installation) == 2


def test_after_a_batch_the_connection_can_be_used_again(url: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": NDJSON}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        for body in (b"", json.dumps(payment()).encode(), b"{}\n" * 3):
            response = client.post(f"{DECIDE}:batch", content=body)
            assert (response.status_code, len(response.text.splitlines())) == (200, len(body.splitlines()))
