"""The same requests over both ways to one application: the wire's status, headers and bodies equal plain ASGI's.

The reference is the gateway's ASGI application under stock uvicorn, without anything of the wire. `comparable` names
what may differ: ids, times and what is left of a rate. Malformed HTTP is not covered here: stock uvicorn answers it in
its own way, and `tests/acceptance/test_wire.py` checks the wire's problem documents.
"""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPResponse
from threading import Thread
from typing import NamedTuple

import pytest
import uvicorn
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andon.access import Grant, Role
from andon.gateway import create_app
from andon.kernel.db import Database
from andon.wire import HttpServer
from automations import payment
from calls import DECIDE
from lines import CALLER, Installation, install

LIMIT = 10_000
ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
OF_ONE_ANSWER = {"latency_ms": 0.0, "decided_at": "then"}


class Answer(NamedTuple):
    """One answer, and whether its connection was closed after it."""

    status: int
    headers: list[tuple[str, str]]
    body: object


@contextmanager
def served(installation: Installation, *, wire: bool) -> Iterator[tuple[str, int]]:
    """Host and port of a new gateway, behind the wire or behind stock uvicorn."""
    gateway, side = installation.gateway(max_body_bytes=LIMIT)
    app = create_app(gateway, side)
    server: uvicorn.Server
    if wire:
        server = HttpServer(app, host="127.0.0.1", port=0, ending=lambda: None)
    else:
        plain = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, server_header=False, date_header=False
        )
        server = uvicorn.Server(plain)

    async def serve(door: socket.socket) -> None:
        await server.serve(sockets=[door])
        await gateway.decider.close()

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = Thread(target=lambda: uvloop.run(serve(door)))
        thread.start()
        try:
            yield door.getsockname()
        finally:
            server.should_exit = True
            thread.join()


class Both:
    """Two gateways of one installation, one behind each way, and the keys of its people."""

    def __init__(self, wire: tuple[str, int], plain: tuple[str, int], keys: dict[str, str]) -> None:
        self.addresses = {"wire": wire, "plain": plain}
        self.keys = keys

    def answers(self, way: str, texts: list[bytes]) -> list[Answer]:
        """Send requests on one connection, each after the answer to the one before, until the server closes it."""
        with closing(socket.create_connection(self.addresses[way], timeout=20)) as connection:
            found = []
            for text in texts:
                connection.sendall(text)
                response = HTTPResponse(connection, method=text.split(b" ", 1)[0].decode())
                response.begin()
                body = response.read()
                found.append(comparable(response, body))
                if response.will_close:
                    break
            return found


def comparable(response: HTTPResponse, body: bytes) -> Answer:
    """Return the answer without what belongs to one answer alone."""
    headers = sorted((name.lower(), ID.sub("ID", value)) for name, value in response.getheaders())
    headers = [(name, re.sub(r"r=\d+", "r=N", value) if name == "ratelimit" else value) for name, value in headers]
    try:
        content = json.loads(body)
    except ValueError:
        return Answer(response.status, headers, body)
    # The latency has as many digits as it has, so the length is compared as the length of what is left.
    left = json.dumps(content | OF_ONE_ANSWER if "latency_ms" in content else content)
    without_length = [(name, value) for name, value in headers if name != "content-length"]
    assert ("content-length", str(len(body))) in headers
    return Answer(response.status, without_length, json.loads(ID.sub("ID", left)))


@pytest.fixture(scope="module")
def both(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    installation = install(module_database, tmp_path_factory.mktemp("installation"))
    keys = {
        "caller": installation.key("bank", CALLER),
        "viewer": installation.key("eye", Grant(Role.VIEWER)),
        "nobody": "andon_" + "0" * 32 + "_" + "0" * 64,
    }
    with served(installation, wire=True) as wire, served(installation, wire=False) as plain:
        yield Both(wire, plain, keys)


class Said(NamedTuple):
    """A request in parts, before it knows a key."""

    who: str | None = "caller"
    body: bytes = json.dumps(payment()).encode()
    headers: tuple[str, ...] = ()
    path: str = DECIDE
    method: str = "POST"
    content_type: str | None = "application/json"
    chunked: bool = False

    def text(self, keys: dict[str, str]) -> bytes:
        """Return the bytes of the request."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: gateway"]
        lines += [] if self.who is None else [f"Authorization: Bearer {keys[self.who]}"]
        lines += [] if self.content_type is None else [f"Content-Type: {self.content_type}"]
        lines += [*self.headers, "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {len(self.body)}"]
        content = b"%x\r\n%b\r\n0\r\n\r\n" % (len(self.body), self.body) if self.chunked else self.body
        return "\r\n".join([*lines, "", ""]).encode() + content


REQUESTS = {
    "a decision": Said(),
    "another input": Said(body=json.dumps(payment(3)).encode()),
    "a correlation id": Said(headers=("X-Correlation-ID: order-7",)),
    "a bad correlation id": Said(headers=("X-Correlation-ID: a b",)),
    "a trace": Said(headers=("traceparent: 00-" + "1" * 32 + "-" + "2" * 16 + "-01",)),
    "a header in two lines": Said(headers=("Accept: a/b", "Accept: c/d")),
    "a priority": Said(headers=("Priority: u=7",)),
    "a deadline": Said(headers=("X-Request-Timeout: 20",)),
    "a deadline that is none": Said(headers=("X-Request-Timeout: soon",)),
    "the last on its connection": Said(headers=("Connection: close",)),
    "an answer that may wait": Said(headers=("Expect: 100-continue",)),
    "a body in chunks": Said(chunked=True),
    "a version that is none": Said(headers=("Andon-Model-Version: x",)),
    "a version of one's own choice": Said(headers=("Andon-Model-Version: 1",)),
    "for later": Said(headers=("Prefer: respond-async",)),
    "for later with a version": Said(headers=("Prefer: respond-async", "Andon-Model-Version: 1")),
    "a place to notify": Said(headers=("Andon-Notify: nowhere", "Prefer: respond-async")),
    "a bad key of one's own": Said(headers=("Idempotency-Key: ä",)),
    "no key": Said(who=None),
    "an unknown key": Said(who="nobody"),
    "a key without permission": Said(who="viewer"),
    "an automation that is not there": Said(path="/v1/automations/nothing/decisions"),
    "an address in other letters": Said(path="/v1/automations/%70ayments/decisions"),
    "an address with a query": Said(path=DECIDE + "?x=1"),
    "another method": Said(method="PUT"),
    "no body": Said(body=b""),
    "no JSON": Said(body=b"{"),
    "JSON of another shape": Said(body=b"[]"),
    "a field too many": Said(body=json.dumps({**payment(), "more": 1}).encode()),
    "a field of another type": Said(body=json.dumps({**payment(), "amount": "much"}).encode()),
    "another media type": Said(content_type="text/plain"),
    "no media type": Said(content_type=None),
    "another character set": Said(content_type="application/json; charset=latin-1"),
    "a compressed body": Said(headers=("Content-Encoding: gzip",)),
    "a body that is too large": Said(body=b" " * (LIMIT + 1)),
    "another route": Said(method="GET", path="/v1/automations", content_type=None, body=b""),
    "no route": Said(method="GET", path="/v1/nothing", content_type=None, body=b""),
}


@pytest.mark.parametrize("said", REQUESTS.values(), ids=REQUESTS)
def test_each_request_and_its_repetition_get_the_same_answers_over_both_ways(both: Both, said: Said) -> None:
    texts = [said.text(both.keys)] * 3
    assert both.answers("wire", texts) == both.answers("plain", texts)


def test_a_key_of_ones_own_gets_its_first_answer_again_over_both_ways(both: Both) -> None:
    found = {}
    for way in ("wire", "plain"):
        mine = Said(headers=(f"Idempotency-Key: key-{way}",))
        other = mine._replace(body=json.dumps(payment(9)).encode())
        found[way] = both.answers(way, [one.text(both.keys) for one in (mine, mine, other, mine)])
    assert [answer.status for answer in found["wire"]] == [200, 200, 422, 200]
    assert found["wire"] == found["plain"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.sampled_from(sorted(REQUESTS)), min_size=2, max_size=8))
def test_requests_in_any_order_on_one_connection_get_the_same_answers_over_both_ways(
    both: Both, said: list[str]
) -> None:
    texts = [REQUESTS[name].text(both.keys) for name in said]
    assert both.answers("wire", texts) == both.answers("plain", texts)
