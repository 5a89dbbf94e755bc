"""A champion in a real MLServer: it decides; while the server is away a person does; later the model again."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from andon.models import columns_of, pack
from andon.serving import RemoteModel
from andon_demo.line import Line
from mlservers import MlServer, a_matrix_in
from packages import CLASSES, FEATURES, some_rows
from pressing import Pressure
from receiver import Receiver
from running import prepared


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlServer]:
    server = MlServer(tmp_path)
    server.add("scores", a_matrix_in(len(columns_of(FEATURES))))
    server.start()
    yield server
    server.stop()


@contextmanager
def remote_champion(server: MlServer, wire: str) -> Iterator[Line]:
    """Yield an installation, not yet started, whose champion is the server's model."""
    training, held_out = some_rows(1)
    with Receiver() as receiver, prepared(receiver.url) as line:
        package = pack(
            line.folder / "remote",
            name="fraud-risk",
            model=RemoteModel(server.address(wire), "scores", protocol=wire),
            features=FEATURES,
            classes=CLASSES,
            training=training,
            held_out=held_out,
            split="the first half",
        )
        with (line.folder / "andon.toml").open("a") as settings:
            settings.write("[endpoints.fraud-risk]\nallow_private = true\ntimeout_seconds = 2\n")
        line.command("models", "register", str(package), "--alias", "champion", "--reason", "elsewhere")
        yield line


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_a_remote_champion_decides_and_is_missed_by_nobody_while_its_server_is_away(
    server: MlServer, wire: str
) -> None:
    with remote_champion(server, wire) as line:
        line.up()
        press(line, server)


def test_a_gateway_that_starts_while_the_server_is_away_begins_when_it_is_back(server: MlServer) -> None:
    with remote_champion(server, "rest") as line, ThreadPoolExecutor(1) as beside:
        server.stop()
        starting = beside.submit(line.up)
        until = time.monotonic() + 60
        while "cannot be used" not in readiness(line):
            assert time.monotonic() < until
            time.sleep(0.1)
        server.start()
        starting.result()
        key = line.key("caller", "caller").split()[-1]
        with Pressure(line.gateway, key, width=1) as pressure:
            assert pressure.wait_for(5)
        assert {one.content["score"] is None for one in pressure.answers} == {False}


def readiness(line: Line) -> str:
    """Return the gateway's answer to /readyz, if there is one."""
    try:
        return httpx.get(f"{line.url}/readyz", timeout=5, trust_env=False).text
    except httpx.TransportError:
        return ""


def press(line: Line, server: MlServer) -> None:
    key = line.key("caller", "caller").split()[-1]
    with Pressure(line.gateway, key, width=4) as pressure:
        assert pressure.wait_for(50)
        stopping = time.monotonic()
        server.stop()
        stopped = time.monotonic()
        assert pressure.wait_for(50, after=stopped + 1)
        starting = time.monotonic()
        server.start()
        back = time.monotonic()
        assert pressure.wait_for(20, after=back + 7, within=30)
    assert pressure.broken == 0
    assert {one.status for one in pressure.answers} == {200}
    assert {one.content["model"]["version"] for one in pressure.answers} == {2}
    before = [one for one in pressure.answers if one.at < stopping]
    away = [one for one in pressure.answers if one.asked > stopped and one.at < starting]
    later = [one for one in pressure.answers if one.asked > back + 7]
    assert {one.content["score"] is None for one in before} == {False}
    assert away
    assert {(one.content["score"], one.content["outcome"]) for one in away} == {(None, "review")}
    assert {one.content["score"] is None for one in later} == {False}, "the server is found again within five seconds"
