"""The embedded PostgreSQL: made once, started by whoever needs it, found again after every kind of kill."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from andon.kernel import postgres
from andon.kernel.config import DatabaseSettings, Settings
from andon.kernel.postgres.launcher import Server
from andon.kernel.postgres.recovery import Recovery
from stuck import abandon

pytestmark = pytest.mark.postgres


ABANDONED = """
import subprocess, time
logger = subprocess.Popen(["postgres: c: logger", "60"], executable="/bin/sleep")
caller = subprocess.Popen(["/bin/true"])  # whose end nobody looks at, so that it stays seen
writer = subprocess.Popen(["postgres: c: walwriter", "2"], executable="/bin/sleep")
print(logger.pid, flush=True)
time.sleep(60)
"""
"""A stand-in for a server: a process that logs, a caller that has just ended, and soon no log writer."""

START = "import sys, pathlib; from andon.kernel import postgres; print(postgres.start(pathlib.Path(sys.argv[1])).pid)"


def in_another_process(program: str, *arguments: object, **how: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **how)  # type: ignore[call-overload,no-any-return]


def ask(server: Server, question: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
        return row[0] if row else None


def tell(server: Server, statement: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_what_was_committed_survives_a_stop_and_the_address_stays(place: Path) -> None:
    first = postgres.start(place)
    tell(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert postgres.stop(place)
    assert postgres.running(place) is None
    assert not postgres.stop(place)
    second = postgres.start(place)
    assert ask(second, "SELECT answer FROM kept") == 42
    assert (second.url, second.port) == (first.url, first.port)


def test_it_is_durable_checked_and_admits_no_superuser(place: Path) -> None:
    server = postgres.start(place)
    for setting, expected in {"fsync": "on", "data_checksums": "on", "synchronous_commit": "on"}.items():
        assert ask(server, f"SHOW {setting}") == expected
    assert ask(server, "SELECT rolsuper FROM pg_roles WHERE rolname = 'andon'") is False
    stranger = server.url.replace("//andon:", "//postgres:")
    with pytest.raises(psycopg.OperationalError, match="no pg_hba"):
        psycopg.connect(stranger)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url.replace("//andon:", "//andon:x"))


def test_the_password_is_only_in_its_own_closed_file(place: Path) -> None:
    server = postgres.start(place)
    kept = place / "password"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    secret = kept.read_text().strip()
    assert all(secret not in " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    assert all(secret not in log.read_text() for log in [place / "start.log", *(place / "log").iterdir()])
    assert secret in server.url


def test_starters_that_race_get_one_server(place: Path) -> None:
    starters = [in_another_process(START, place) for _ in range(3)]
    pids = {starter.communicate()[0] for starter in starters}
    found = postgres.running(place)
    assert found is not None
    assert pids == {f"{found.pid}\n"}


def test_threads_that_race_get_one_server(place: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(postgres.start, [place] * 4))) == 1


def test_after_a_kill_of_the_postmaster_the_next_start_recovers(place: Path) -> None:
    first = postgres.start(place)
    tell(first, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    with closing(psycopg.connect(first.url)) as busy:
        busy.execute(b"SELECT count(*) FROM kept")
        os.kill(first.pid, signal.SIGKILL)
        second = postgres.start(place)
    assert second.pid != first.pid
    assert second.url == first.url
    assert not first.is_alive()
    assert ask(second, "SELECT count(*) FROM kept") == 1000


def test_a_backend_that_does_not_notice_the_end_of_its_postmaster_is_ended(place: Path) -> None:
    first = postgres.start(place)
    with closing(psycopg.connect(first.url)) as frozen:
        backend = psutil.Process(frozen.info.backend_pid)
        backend.suspend()
        try:
            os.kill(first.pid, signal.SIGKILL)
            second = postgres.start(place)
        finally:
            with suppress(psutil.NoSuchProcess):
                backend.resume()
    assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE
    assert ask(second, "SELECT 1") == 1


def test_a_killed_backend_does_not_end_the_server(place: Path) -> None:
    server = postgres.start(place)
    with closing(psycopg.connect(server.url)) as doomed:
        os.kill(doomed.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            doomed.execute(b"SELECT 1")
    assert postgres.start(place).pid == server.pid
    assert ask(postgres.start(place), "SELECT 1") == 1


def test_a_server_whose_recovery_was_killed_is_replaced(place: Path) -> None:
    first = postgres.start(place)
    tell(first, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    abandon(first)
    second = postgres.start(place)
    assert (second.url, second.pid != first.pid) == (first.url, True)
    assert ask(second, "SELECT count(*) FROM kept") == 1000


def test_a_caller_that_has_just_ended_does_not_hide_that_nobody_is_at_work() -> None:
    """While nobody recovers, all who ask are refused by a process each, which ends at once."""
    with subprocess.Popen([sys.executable, "-c", ABANDONED], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        logger = int(server.stdout.readline())
        recovery, until = Recovery(server.pid, "c"), time.monotonic() + 30
        while not (seen := recovery.is_abandoned()) and time.monotonic() < until:
            time.sleep(0.05)
        server.kill()
        os.kill(logger, signal.SIGKILL)
    assert seen


def test_a_stale_postmaster_pid_whose_number_was_given_to_another_process_does_not_stop_a_start(place: Path) -> None:
    server = postgres.start(place)
    lines = (place / "data" / "postmaster.pid").read_text().splitlines()
    os.kill(server.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(server.pid)] if psutil.pid_exists(server.pid) else [], timeout=1)
    (place / "data" / "postmaster.pid").write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    assert postgres.running(place) is None
    assert ask(postgres.start(place), "SELECT 1") == 1


def test_an_interrupted_initdb_is_done_again(place: Path) -> None:
    starter = in_another_process(START, place, start_new_session=True)
    while not (place / "data.incomplete" / "PG_VERSION").exists():
        assert starter.poll() is None
    for process in [*psutil.Process(starter.pid).children(recursive=True), psutil.Process(starter.pid)]:
        with suppress(psutil.NoSuchProcess):  # one of initdb's ends by itself
            process.kill()
    starter.communicate()
    assert not (place / "data").exists()
    assert ask(postgres.start(place), "SELECT 1") == 1
    assert not (place / "data.incomplete").exists()


def test_a_server_whose_starter_was_killed_is_found_and_stopped(place: Path) -> None:
    starter = in_another_process(START + "; sys.stdout.flush(); sys.stdin.read()", place, stdin=subprocess.PIPE)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.communicate()
    assert postgres.start(place).pid == pid
    assert postgres.stop(place)


def test_the_last_who_leaves_stops_it(place: Path) -> None:
    with postgres.lend(place) as outer:
        with postgres.lend(place) as inner:
            assert inner.pid == outer.pid
        assert postgres.in_use(place)
        assert outer.is_alive()
    assert not postgres.in_use(place)
    assert postgres.running(place) is None


def test_a_user_that_was_killed_does_not_count(place: Path) -> None:
    program = (
        "import sys, pathlib; from andon.kernel import postgres\nwith "
        "postgres.lend(pathlib.Path(sys.argv[1])) as s: print(s.pid, flush=True); sys.stdin.read()"
    )
    user = in_another_process(program, place, stdin=subprocess.PIPE)
    assert user.stdout is not None
    pid = int(user.stdout.readline())
    user.kill()
    user.communicate()
    with postgres.lend(place) as server:
        assert server.pid == pid
    assert postgres.running(place) is None


def test_a_port_that_was_taken_meanwhile_is_replaced(place: Path) -> None:
    first = postgres.start(place)
    postgres.stop(place)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", first.port))
        thief.listen()
        second = postgres.start(place)
    assert second.port != first.port
    assert ask(second, "SELECT 1") == 1


def test_a_long_path_gets_a_short_private_socket_folder(short_folder: Path) -> None:
    place = short_folder / ("long" * 25) / ".andon" / "postgres"
    place.parent.parent.mkdir()
    try:
        server = postgres.start(place)
        sockets = (place / "run").readlink()
        by_socket = f"{server.url.split('@')[0]}@/andon?host={sockets}&port={server.port}"
        with psycopg.connect(by_socket) as connection:
            assert connection.execute(b"SELECT 1").fetchone() == (1,)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        postgres.stop(place)
        postgres.start(place)
        assert (place / "run").readlink() == sockets
    finally:
        postgres.stop(place)
        sockets.rmdir()


def test_what_postgresql_complains_of_is_said(place: Path) -> None:
    postgres.start(place)
    postgres.stop(place)
    for log in (place / "log").glob("*.log"):
        with log.open("a", encoding="utf-8") as file:
            file.write("FATAL:  of a start before this one\n")
    (place / "data" / "global" / "pg_control").unlink()
    with pytest.raises(postgres.PostgresFailed, match=r"could not find the database system \(more in .*start\.log\)"):
        postgres.start(place)


def test_what_the_disk_refuses_is_said(place: Path) -> None:
    lock = place.with_name(f"{place.name}.lock")
    lock.mkdir(parents=True)
    with pytest.raises(postgres.PostgresFailed, match=f"^{lock}: Is a directory$"):
        postgres.start(place)


def test_data_of_another_version_is_left_alone(place: Path) -> None:
    postgres.start(place)
    postgres.stop(place)
    (place / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(postgres.PostgresFailed, match="written by PostgreSQL 12"):
        postgres.start(place)


def test_a_lost_password_is_named(place: Path) -> None:
    postgres.start(place)
    (place / "password").rename(place / "away")
    with pytest.raises(postgres.PostgresFailed, match="password is missing"):
        postgres.running(place)
    (place / "away").rename(place / "password")


def test_a_configured_database_needs_no_server(short_folder: Path) -> None:
    settings = Settings(root=short_folder, database=DatabaseSettings(url="postgresql://u:p@h/d"))
    with postgres.available(settings) as url:
        assert url == postgres.url_of(settings) == "postgresql://u:p@h/d"
    assert not settings.data.exists()


def test_without_a_server_a_process_is_told_to_run_up_first(short_folder: Path) -> None:
    settings = Settings(root=short_folder)
    with pytest.raises(postgres.NotRunning, match="andon up"):
        postgres.url_of(settings)
    with postgres.available(settings) as url:
        assert postgres.url_of(settings) == url
    with pytest.raises(postgres.NotRunning):
        postgres.url_of(settings)
