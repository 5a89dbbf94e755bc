"""`andon restart`: another process takes over when it is ready, and what goes wrong changes nothing."""

import os
import socket
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from andon.supervisor import control
from andon.supervisor.errors import RestartFailed, UpNotRunning

from .conftest import PARTS, Up

pytestmark = pytest.mark.postgres

Start = Callable[..., Up]


def restart(up: Up, *parts: str) -> list[str]:
    return list(control.restart(up.folder / ".andon", parts, within=60))


def test_every_part_is_replaced_on_the_socket_it_had(start: Start) -> None:
    up = start().until_running()
    before = {part: up.seen(part) for part in PARTS}
    said = restart(up, *PARTS)
    after = {part: up.seen(part) for part in PARTS}
    assert [line.split()[0] for line in said] == [part for part in PARTS for _ in range(2)]
    for part in PARTS:
        assert after[part]["pid"] != before[part]["pid"]
        assert after[part]["port"] == before[part]["port"]
        assert not psutil.pid_exists(before[part]["pid"])
        assert (up.folder / f"{part}.drained").exists()
    assert "part_ended" not in up.said
    assert up.end() == 0


def test_connections_that_come_while_nobody_accepts_are_answered_by_the_next(start: Start) -> None:
    up = start().until_running()
    before = up.seen("gateway")
    os.kill(before["pid"], 9)
    with socket.create_connection(("127.0.0.1", before["port"]), timeout=20) as waiting:
        waiting.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        assert b"200" in waiting.recv(100)
    assert up.seen("gateway")["pid"] != before["pid"]
    assert up.end() == 0


@pytest.mark.parametrize(
    ("word", "why"),
    [("unready", "line: no model yet"), ("refuse", "it ended with status 2; see the log of `andon up`")],
)
def test_a_process_that_does_not_become_ready_leaves_the_one_before_at_work(start: Start, word: str, why: str) -> None:
    up = start().until_running()
    before = up.pids()
    (up.folder / f"worker.{word}").touch()
    with pytest.raises(RestartFailed, match=f"The new worker .* continues: {why}"):
        restart(up, "worker", "gateway")
    (up.folder / f"worker.{word}").unlink()
    assert psutil.pid_exists(before[PARTS.index("worker")])
    assert up.seen("gateway")["pid"] == before[0]
    restart(up, "worker")
    assert up.seen("worker")["pid"] not in before
    assert up.end() == 0


def test_a_restart_that_is_under_way_when_all_is_stopped_is_told(start: Start) -> None:
    up = start().until_running()
    (up.folder / "gateway.unready").touch()
    before = up.seen("gateway")["pid"]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(restart, up, "gateway")
        up.until(lambda: up.seen("gateway")["pid"] != before)
        up.process.terminate()
        with pytest.raises(RestartFailed, match="`andon up` is stopping"):
            asked.result(60)
    assert up.process.wait(60) == 0
    assert not psutil.pid_exists(before)


def test_the_door_is_closed_to_others_and_goes_with_its_owner(start: Start) -> None:
    up = start().until_running()
    door = up.folder / ".andon" / "up.socket"
    assert stat.S_IMODE(door.stat().st_mode) == 0o600
    with socket.socket(socket.AF_UNIX) as rude:
        rude.connect(str(door))
        rude.sendall(b"nonsense\n")
        assert rude.recv(100) == b""
    restart(up, "console")
    assert up.end() == 0
    assert not door.exists()


def test_where_nothing_runs_nothing_is_restarted(project: Path) -> None:
    (project / ".andon").mkdir()
    with pytest.raises(UpNotRunning):
        list(control.restart(project / ".andon", ["gateway"], within=1))
    with pytest.raises(UpNotRunning):
        list(control.restart(project / "nowhere", ["gateway"], within=1))
