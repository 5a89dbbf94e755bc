"""`andon up` answers gRPC, and stops without losing an answer: every call is decided and told, or refused."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import grpc
import numpy as np
import pytest
from sqlalchemy import text

from andon.kernel.db import Database
from andon.serving.inference import InferRequest, of_array
from andon.serving.inference import grpc as codec
from andon.serving.inference.protobuf import SERVICE
from andon_demo.line import Line, free_ports
from receiver import Receiver
from running import running

CALLERS = 8

REFUSED = {"UNAVAILABLE", "CANCELLED"}
"""The codes of calls that came in the moment in which the server shut down: nothing was decided for them."""

RETRYING = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ]
}
"""What the how-to page recommends to callers."""


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def line(database: Database, port: int) -> Iterator[Line]:
    settings = {"ANDON_GATEWAY_GRPC_PORT": str(port), "ANDON_DATABASE_URL": database.url}
    with Receiver() as receiver, running(receiver.url, settings) as line:
        yield line


def test_stopping_under_load_loses_no_answer(line: Line, port: int, database: Database) -> None:
    key = line.key("bank", "caller").split()[-1]
    stopped = Event()
    with ThreadPoolExecutor(CALLERS) as pool:
        asking = [pool.submit(ask, port, key, stopped) for _ in range(CALLERS)]
        try:
            line.wait_until("decisions are made", lambda: recorded(database) > 100, timeout=30)
            line.down()
        finally:
            stopped.set()
    ends, told = set[str](), list[str]()
    for one in asking:
        told += one.result(timeout=30).told
        ends.add(one.result().end)
    assert ends <= REFUSED
    assert len(told) > 100
    with database.begin() as tx:
        known = {str(row) for row in tx.execute(text("SELECT id FROM decisions")).scalars()}
    assert set(told) == known


def test_a_restart_under_load_answers_all_calls_of_those_who_ask_again(
    line: Line, port: int, database: Database
) -> None:
    key = line.key("bank", "caller").split()[-1]
    stopped = Event()
    with ThreadPoolExecutor(CALLERS) as pool:
        asking = [pool.submit(ask, port, key, stopped, again=True) for _ in range(CALLERS)]
        try:
            line.wait_until("decisions are made", lambda: recorded(database) > 100, timeout=30)
            line.command("restart", "gateway")
            before = recorded(database)
            line.wait_until("further decisions are made", lambda: recorded(database) > before + 100, timeout=30)
        finally:
            stopped.set()
    asked = [one.result(timeout=30) for one in asking]
    assert {one.end for one in asked} == {"never refused"}
    assert sum(len(one.told) for one in asked) == recorded(database)


class Asked(NamedTuple):
    """The ids of the decisions that one caller was told, and the code of what ended it."""

    told: list[str]
    end: str


def ask(port: int, key: str, stopped: Event, *, again: bool = False) -> Asked:
    """Ask one after the other until a call is refused; with `again`, until it was refused several times."""
    columns = {"payment_id": np.array(["p"]), "account": np.array(["a"]), "amount": np.array([50.0])}
    request = InferRequest([of_array(name, column) for name, column in columns.items()], model="payments")
    content, told = codec.encode_request(request), list[str]()
    options = [("grpc.service_config", json.dumps(RETRYING))] if again else []
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        infer = channel.unary_unary(f"/{SERVICE}/ModelInfer")
        while not stopped.is_set():
            try:
                answer = infer(content, metadata=(("authorization", f"Bearer {key}"),), timeout=20)
            except grpc.RpcError as error:
                return Asked(told, error.code().name)
            told += codec.decode_response(answer).output("decision_id").values()
    return Asked(told, "never refused")


def recorded(database: Database) -> int:
    """Decisions in the ledger."""
    with database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())
