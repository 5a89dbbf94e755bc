"""`andon up` starts everything in order, keeps it running, and leaves nothing behind."""

import os
import re
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from andon import access
from andon.kernel import postgres
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from stuck import abandon

from .conftest import PARTS, Up

pytestmark = [pytest.mark.postgres, pytest.mark.long]

Start = Callable[..., Up]


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_every_part_is_told_the_database_but_not_by_an_argument(start: Start, database: Database) -> None:
    up = start().until_running()
    assert {(up.seen(part)["url"], up.seen(part)["socket"]) for part in PARTS} == {(database.url, None)}
    for pid in [up.process.pid, *up.pids()]:
        assert "postgresql://" not in " ".join(psutil.Process(pid).cmdline())
    for part in PARTS:
        assert f"{part:<9} http://127.0.0.1:{up.seen(part)['port']}  ready after" in up.said
    assert up.end() == 0


def test_the_first_key_is_told_once_and_opens_everything(start: Start, database: Database) -> None:
    first = start().until_running()
    (token,) = re.findall(r"^ +(andon_\S+)$", first.said, re.MULTILINE)
    assert first.end() == 0
    pepper = first.folder / ".andon" / "pepper"
    assert stat.S_IMODE(pepper.stat().st_mode) == 0o600
    keys, now = access.KeyRing(access.load_or_create_pepper(pepper)), SystemClock().now()
    with database.begin() as tx:
        keys.refresh(tx, now)
    assert keys.authenticate(token, now).may(access.Permission.MANAGE_KEYS, None)
    second = start().until_running()
    assert "Sign in" not in second.said
    assert second.end() == 0


def test_without_the_pepper_of_its_keys_a_database_is_refused(start: Start, project: Path) -> None:
    assert start().until_running().end() == 0
    (project / ".andon" / "pepper").unlink()
    second = start()
    assert second.process.wait(60) == 5
    assert "copy it from the installation that created them" in second.said


def test_a_second_up_names_the_first_and_does_no_harm(start: Start) -> None:
    first = start().until_running()
    pids = first.pids()
    second = start()
    assert second.process.wait(60) == 5
    assert f"process {first.process.pid}" in second.said
    assert f"gateway http://127.0.0.1:{first.seen('gateway')['port']}" in second.said
    assert not any(gone(pid) for pid in pids)
    assert first.pids() == pids


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_every_part_finish(start: Start, number: int) -> None:
    up = start().until_running()
    assert up.end(number) == 0
    assert all((up.folder / f"{part}.drained").exists() for part in PARTS)
    assert up.said.endswith("Stopped\n")


def test_a_second_signal_ends_a_part_that_does_not_finish(start: Start, project: Path) -> None:
    (project / "worker.deaf").touch()
    up = start()
    up.until_running()
    worker = up.seen("worker")["pid"]
    up.process.send_signal(signal.SIGINT)
    up.until(lambda: (up.folder / "console.drained").exists())
    assert not gone(worker)
    assert up.end(signal.SIGINT) == 0
    assert gone(worker)


def test_a_part_that_was_killed_is_started_again(start: Start) -> None:
    up = start().until_running()
    before = up.seen("gateway")["pid"]
    os.kill(before, signal.SIGKILL)
    up.until(lambda: up.seen("gateway")["pid"] != before)
    assert '"status": -9' in up.said
    assert up.end() == 0


def test_a_part_that_refuses_to_start_ends_the_rest(start: Start, project: Path) -> None:
    (project / "worker.refuse").touch()
    up = start()
    assert up.process.wait(60) == 6
    assert "worker has no sense" in up.said
    assert "The worker ended with status 2 before it was ready" in up.said
    assert all(gone(up.seen(part)["pid"]) for part in PARTS if (up.folder / f"{part}.seen").exists())


def test_a_part_that_meets_an_outage_before_it_is_ready_is_started_again(start: Start, project: Path) -> None:
    (project / "worker.away").touch()
    up = start().until_running()
    assert "worker meets an outage" in up.said
    assert '"status": 6' in up.said
    assert up.end() == 0


def test_a_postgresql_that_is_killed_right_after_its_start_ends_nothing(start: Start) -> None:
    up = start(embedded=True)
    place, killed = up.folder / ".andon" / "postgres", set[int]()
    for _ in range(2):
        up.until(lambda: (server := postgres.running(place)) is not None and server.pid not in killed)
        server = postgres.running(place)
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)
        killed.add(server.pid)
    up.until_running()
    assert up.end() == 0


def test_a_part_that_is_not_ready_says_why_and_is_told_when_it_is(start: Start, project: Path) -> None:
    (project / "gateway.unready").touch()
    up = start()
    up.until_running()
    assert "is running, but not ready: line: no model yet" in up.said
    (up.folder / "gateway.unready").unlink()
    up.until(lambda: "is ready now" in up.said)
    assert up.end() == 0


def test_no_part_outlives_a_killed_supervisor(start: Start, project: Path) -> None:
    (project / "worker.deaf").touch()
    up = start()
    up.until_running()
    pids = up.pids()
    up.process.kill()
    up.process.wait()
    up.until(lambda: all(gone(pid) for pid in pids))


def test_the_next_up_takes_over_the_postgresql_of_a_killed_one_and_stops_it(start: Start) -> None:
    first = start(embedded=True).until_running()
    place = first.folder / ".andon" / "postgres"
    left = postgres.running(place)
    first.process.kill()
    first.process.wait()
    assert left is not None
    assert left.is_alive()
    second = start(embedded=True).until_running()
    assert postgres.running(place) == left
    assert second.end() == 0
    assert postgres.running(place) is None


def test_a_killed_postgresql_is_started_again_at_its_address(start: Start) -> None:
    up = start(embedded=True).until_running()
    place = up.folder / ".andon" / "postgres"
    before = postgres.running(place)
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    up.until(lambda: "postgres_started" in up.said)
    after = postgres.running(place)
    assert after is not None
    assert (after.url, after.pid != before.pid) == (before.url, True)
    assert after.url == up.seen("gateway")["url"]
    assert up.end() == 0


def test_every_part_is_told_the_socket_of_the_embedded_postgresql(start: Start) -> None:
    up = start(embedded=True).until_running()
    server = postgres.running(up.folder / ".andon" / "postgres")
    assert server is not None
    assert {up.seen(part)["socket"] for part in PARTS} == {str(server.socket)}
    assert (server.socket / f".s.PGSQL.{server.port}").is_socket()
    assert up.end() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Orphans fall to a process of ours on Linux alone")
def test_what_falls_to_the_first_process_of_a_container_does_not_stay_as_zombies(start: Start) -> None:
    up = start("adopting", embedded=True).until_running()
    supervisor, before = psutil.Process(up.process.pid), postgres.running(up.folder / ".andon" / "postgres")
    assert before is not None
    assert before.pid in {child.pid for child in supervisor.children()}
    os.kill(before.pid, signal.SIGKILL)
    killed = up.pids()[0]
    os.kill(killed, signal.SIGKILL)
    up.until(lambda: "postgres_started" in up.said and up.seen(PARTS[0])["pid"] != killed)
    up.until(lambda: not any(gone(child.pid) for child in supervisor.children()))
    assert f'"part": "{PARTS[0]}", "status": -9' in up.said
    assert up.end() == 0


def test_a_postgresql_whose_recovery_was_killed_is_started_again(start: Start) -> None:
    up = start(embedded=True).until_running()
    place = up.folder / ".andon" / "postgres"
    before = postgres.running(place)
    assert before is not None
    abandon(before)
    up.until(lambda: "postgres_started" in up.said)
    after = postgres.running(place)
    assert after is not None
    assert (after.url, after.pid != before.pid) == (before.url, True)
    assert up.end() == 0


def test_a_postgresql_that_had_to_change_its_port_takes_its_parts_along(start: Start) -> None:
    up = start(embedded=True).until_running()
    place = up.folder / ".andon" / "postgres"
    before = postgres.running(place)
    assert before is not None
    with socket.socket() as thief, postgres.launcher.starting(place):
        postgres.launcher.stop_locked(place)
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", before.port))
        thief.listen()
        postgres.launcher.start_locked(place)
    after = postgres.running(place)
    assert after is not None
    assert after.port != before.port
    up.until(lambda: {up.seen(part)["url"] for part in PARTS} == {after.url})
    assert up.end() == 0


def test_a_folder_without_a_project_is_left_alone(start: Start, project: Path) -> None:
    (project / "andon.toml").unlink()
    up = start()
    assert up.process.wait(60) == 4
    assert "andon init" in up.said
    assert not (project / ".andon").exists()


TRAIN = """
import sys
from pathlib import Path

sys.path.insert(0, {tests!r})
from packages import packed_anew

packed_anew(Path("package"))
"""


def test_the_first_start_trains_the_model_that_the_project_names_and_later_ones_do_not(project: Path) -> None:
    tests = str(Path(__file__).parents[2])
    (project / "andon.toml").write_text('[project]\ntrain = "train.py"\n', encoding="utf-8")
    (project / "train.py").write_text(TRAIN.format(tests=tests), encoding="utf-8")
    first = Up(project, None).until_running()
    assert "now the champion" in first.said
    assert first.end() == 0
    second = Up(project, None).until_running()
    assert "training" not in second.said
    assert second.end() == 0


def test_a_training_that_fails_is_told_with_the_reason_and_the_rest_runs_and_the_next_start_tries_again(
    project: Path,
) -> None:
    (project / "andon.toml").write_text('[project]\ntrain = "train.py"\n', encoding="utf-8")
    (project / "train.py").write_text("raise SystemExit('no data today')\n", encoding="utf-8")
    up = Up(project, None).until_running()
    assert "Nothing can be decided yet. Training the model failed: no data today" in up.said
    assert "Everything is running" not in up.said
    assert up.end() == 0
    tests = str(Path(__file__).parents[2])
    (project / "train.py").write_text(TRAIN.format(tests=tests), encoding="utf-8")
    again = Up(project, None).until_running()
    assert "now the champion" in again.said
    assert again.end() == 0
