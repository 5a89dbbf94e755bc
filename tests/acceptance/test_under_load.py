"""What changes while decisions are asked for: a key is revoked, the gateway is told to end."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psutil
import pytest
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import Line
from automations import payment
from limits import open_files
from pressing import Pressure
from receiver import Receiver
from running import running


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        with open_files(256):
            line = stack.enter_context(running(receiver.url))
        yield line


@pytest.fixture(scope="module")
def admin(line: Line) -> str:
    return line.key("root", "admin").split()[-1]


def test_a_revoked_key_is_refused_within_a_second_and_others_go_on(line: Line, admin: str) -> None:
    leaving, staying = (line.key(name, "caller").split()[-1] for name in ("leaving", "staying"))
    with Pressure(line.gateway, leaving, width=4) as out, Pressure(line.gateway, staying, width=4) as on:
        assert out.wait_for(50)
        revoked = revoke(line, admin, "leaving")
        assert out.wait_for(20, after=revoked + 1, status=401)
        assert on.wait_for(20, after=revoked + 1)
    assert {one.status for one in out.answers if one.asked > revoked + 1} == {401}
    assert {one.status for one in out.answers} == {200, 401}
    assert {one.status for one in on.answers} == {200}
    assert (out.broken, on.broken) == (0, 0)


def test_more_callers_are_served_than_a_shell_gives_open_files(line: Line) -> None:
    headers = {"Authorization": f"Bearer {line.key('many', 'caller').split()[-1]}"}
    url = f"{line.url}/v1/automations/payments/decisions"
    with ExitStack() as stack:
        kept = [stack.enter_context(socket.create_connection(("127.0.0.1", line.gateway))) for _ in range(300)]
        assert httpx.post(url, json=payment(), headers=headers, trust_env=False).status_code == 200
        for one in kept:
            one.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert all(one.recv(100).startswith(b"HTTP/1.1 200") for one in kept)


def test_a_gateway_that_is_told_to_end_answers_all_that_it_decides(line: Line) -> None:
    before = recorded(line)
    with Pressure(line.gateway, line.key("patient", "caller").split()[-1]) as pressure:
        for _ in range(3):
            assert pressure.wait_for(50, after=time.monotonic())
            end_gateway(line)
            assert pressure.wait_for(20, after=time.monotonic() + 0.5, within=30)
    assert {one.status for one in pressure.answers} == {200}
    assert recorded(line) - before == {one.content["id"] for one in pressure.answers}


def test_a_gateway_that_ends_lets_a_slow_caller_finish(line: Line) -> None:
    key = line.key("slow", "caller").split()[-1]
    with httpx.Client(base_url=line.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:

        def slowly() -> Iterator[bytes]:
            yield b'{"payment_id": "slow", "account": "a1",'
            end_gateway(line)
            time.sleep(0.5)  # while the gateway is ending
            yield b' "amount": 1.0}'

        headers = {"Content-Type": "application/json"}
        answer = client.post("/v1/automations/payments/decisions", content=slowly(), headers=headers)
    assert answer.status_code == 200
    assert answer.json()["id"] in recorded(line)


def revoke(line: Line, admin: str, name: str) -> float:
    """Close a key; when its revocation was answered."""
    with httpx.Client(base_url=line.url, headers={"Authorization": f"Bearer {admin}"}, trust_env=False) as client:
        (key,) = (key for key in client.get("/v1/keys").json() if key["name"] == name)
        assert client.post(f"/v1/keys/{key['id']}/revoke", json={"reason": "test"}).status_code == 200
    return time.monotonic()


def end_gateway(line: Line) -> None:
    (gateway,) = line.running("gateway")
    psutil.Process(gateway.pid).send_signal(signal.SIGTERM)


def recorded(line: Line) -> set[str]:
    database = Database(postgres.url_of(config.load(line.folder, {})))
    try:
        with database.begin() as tx:
            return set(tx.execute(text("SELECT id::text FROM decisions")).scalars())
    finally:
        database.close()
