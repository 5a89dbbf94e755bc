"""`andon up` answers gRPC, and stops without losing an answer: every call is decided and told, or refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import grpc
import numpy as np
import pytest
from benchmarks.line import Line, free_ports
from sqlalchemy import text

from andon.kernel.db import Database
from andon.serving.inference import InferRequest, of_array
from andon.serving.inference import grpc as codec
from andon.serving.inference.protobuf import SERVICE
from receiver import Receiver
from running import running

CALLERS = 8


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
    assert ends == {"UNAVAILABLE"}
    assert len(told) > 100
    with database.begin() as tx:
        known = {str(row) for row in tx.execute(text("SELECT id FROM decisions")).scalars()}
    assert set(told) == known


class Asked(NamedTuple):
    """The ids of the decisions that one caller was told, and the code of what ended it."""

    told: list[str]
    end: str


def ask(port: int, key: str, stopped: Event) -> Asked:
    """Ask one after the other until a call is refused."""
    columns = {"payment_id": np.array(["p"]), "account": np.array(["a"]), "amount": np.array([50.0])}
    request = InferRequest([of_array(name, column) for name, column in columns.items()], model="payments")
    content, told = codec.encode_request(request), list[str]()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
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
