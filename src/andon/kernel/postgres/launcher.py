"""The launcher, which starts, finds and stops the server of one home.

The server is nobody's child: it outlives a killed starter, and the next process finds it by `postmaster.pid`.
"""

import os
import re
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil
import structlog

from andon.kernel import files
from andon.kernel.postgres import binaries, cluster, home, ping
from andon.kernel.postgres.account import as_account
from andon.kernel.postgres.binaries import Binaries
from andon.kernel.postgres.errors import PostgresFailed
from andon.kernel.postgres.home import Home
from andon.kernel.postgres.recovery import Recovery

_READY_SECONDS = 120.0
"""The longest time in which a server may replay its log after a crash."""

_PATIENCE_SECONDS = 3.0
_FAST_SECONDS, _IMMEDIATE_SECONDS = 30.0, 10.0
_ORDERS = (
    (signal.SIGINT, _FAST_SECONDS),
    (signal.SIGQUIT, _IMMEDIATE_SECONDS),
    (signal.SIGKILL, _IMMEDIATE_SECONDS),
)

_LEAVE_SECONDS = 2.0
"""The time in which processes of a killed postmaster notice its end."""

_POLL_SECONDS = 0.02
_PING_SECONDS = 2.0
_PORT_ATTEMPTS = 5
_STARTS = 2
"""Attempts to start a server that ends with an error before it is ready. A silent end means a kill, and is retried."""

_PORTS = range(15_432, 32_000)
"""Ports below the kernel's range for outgoing connections, so that the port is free again at the next start."""

_log = structlog.get_logger("andon.postgres")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `url` contains the password."""

    home: Home
    pid: int
    port: int
    url: str

    @property
    def socket(self) -> Path:
        """The folder of its unix socket."""
        return home.socket_folder(self.home)

    def is_alive(self) -> bool:
        """Return whether this same server still runs."""
        return _is_postmaster(self.pid, self.home.data)

    def recovery(self) -> Recovery:
        """Return the detector of a server that will never be ready again."""
        return Recovery(self.pid, self.home.cluster)

    def kill(self) -> None:
        """Kill the server, which loses nothing: the next start replays its log."""
        _kill(self.pid, self.home.data)


class _Postmaster(NamedTuple):
    """The content of `postmaster.pid`."""

    pid: int
    port: int
    status: str


def start(place: Path) -> Server:
    """Return the ready server in `place` (`.andon/postgres`): the running one, or a new one. Raises PostgresFailed."""
    with starting(place):
        return start_locked(place)


def start_locked(place: Path) -> Server:
    """Start as `start` does, for a caller inside `starting`."""
    here = home.make(place)
    found = _read(here)
    if found is not None and found.status == "stopping":
        _ended_within(here, _FAST_SECONDS)
    elif found is not None and (ready := _ready(here, seen=True)):
        return _server(here, ready)
    return _server(here, _launch(here))


def running(place: Path) -> Server | None:
    """Return the server in `place`; None if none runs."""
    with _permitted(place):
        here = home.find(place)
        found = _read(here) if here else None
        return _server(here, found) if here and found else None


def stop(place: Path) -> bool:
    """Stop the server in `place` and wait for its end: fast, immediate, then by force. Return False if none ran."""
    if running(place) is None:
        return False
    with starting(place):
        return stop_locked(place)


def stop_locked(place: Path) -> bool:
    """Stop as `stop` does, for a caller inside `starting`."""
    here = home.find(place)
    found = _read(here) if here else None
    if here is None or found is None:
        return False
    for order, seconds in _ORDERS:
        if _is_postmaster(found.pid, here.data):
            os.kill(found.pid, order)
        if _ended_within(here, seconds):
            return True
    raise PostgresFailed(f"PostgreSQL (process {found.pid}) cannot be stopped")


@contextmanager
def starting(place: Path) -> Iterator[None]:
    """Hold the exclusive right to start or stop the server in `place`; waits for another holder."""
    with _permitted(place):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with files.locked(place.with_name(f"{place.name}.lock")):
            yield


@contextmanager
def _permitted(place: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise PostgresFailed(f"{error.filename or place} belongs to another user: run Andon as its owner") from error
    except OSError as error:
        raise PostgresFailed(f"{error.filename or place}: {error.strerror or error}") from error


def _launch(here: Home) -> _Postmaster:
    """Start a server on the data, which is created if necessary, and wait until it is ready."""
    port, ended = _port(here), 0
    for _ in range(_PORT_ATTEMPTS):
        with _nobody_else(here) as alive:
            programs = binaries.reachable(binaries.locate(_data_version(here)), here.account, home.STORE)
            if not here.data.exists():
                cluster.create(here, programs, alive)
            _forget_the_dead(here)
            cluster.configure(here, port)
            _spawn(here, programs, alive)
        if ready := _ready(here):
            return ready
        if not _is_free(port):
            port = _new_port()
            continue
        ended += 1
        if ended >= _STARTS and _complaint(here) is not None:
            break
    raise PostgresFailed(f"PostgreSQL did not start: {_last_words(here)}")


@contextmanager
def _nobody_else(here: Home) -> Iterator[int]:
    """Hold the lock that all processes of the server inherit, and kill leftovers of a killed server if necessary.

    Processes that inherited the descriptor keep the lock when we leave; the kernel frees it with the last of them.
    """
    alive = files.open_lock(here.alive)
    try:
        if not files.lock_within(alive, _LEAVE_SECONDS):
            for process in _leftovers(here):
                process.kill()
            if not files.lock_within(alive, _IMMEDIATE_SECONDS):
                raise PostgresFailed(
                    f"{here.data} is in use by a process that is not visible from here, perhaps in another "
                    "container: stop it first"
                )
        yield alive
    finally:
        os.close(alive)


def _forget_the_dead(here: Home) -> None:
    """Remove the lock files of a killed server. PostgreSQL keeps them if another program now has their process id."""
    for file in (here.data / "postmaster.pid", *home.socket_folder(here).glob(".s.PGSQL.*")):
        file.unlink(missing_ok=True)


def _spawn(here: Home, programs: Binaries, alive: int) -> None:
    """Start the server in a session of its own, where no Ctrl-C of ours reaches it, as a child of nobody."""
    command = [str(programs.postgres), "-D", str(here.data), "-c", f"config_file={here.settings}"]
    with here.start_log.open("wb") as said:
        subprocess.run(  # noqa: S603  our own programs
            ["/bin/sh", "-c", '"$@" &', "sh", *command],
            check=True,
            cwd="/",
            env={"PATH": os.defpath, "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=[alive],
            start_new_session=True,
            **as_account(here.account),
        )


def _ready(here: Home, *, seen: bool = False) -> _Postmaster | None:
    """Wait until the running or just started server answers. Return None if it has ended instead.

    `seen` says that it ran a moment ago: if it does not run now, it has ended, even if a backend of it still lives.
    """
    begin, told, recovery = time.monotonic(), False, None
    while time.monotonic() - begin < _READY_SECONDS:
        found = _read(here)
        if found is not None and _answers(found):
            return found
        if found is None and (seen or not files.is_held(here.alive)):
            return None
        seen = found is not None
        if found is not None:
            recovery = recovery or Recovery(found.pid, here.cluster)
            if recovery.is_abandoned():
                _kill(found.pid, here.data)
        if not told and time.monotonic() - begin > _PATIENCE_SECONDS:
            _log.info("postgres_recovers", hint="after a crash PostgreSQL replays its log before it answers")
            told = True
        time.sleep(_POLL_SECONDS)
    raise PostgresFailed(f"PostgreSQL is not ready after {_READY_SECONDS:.0f} s: {_last_words(here)}")


def _answers(found: _Postmaster) -> bool:
    """Return whether the server admits connections: it is not starting, recovering or stopping."""
    return found.status == "ready" and ping.admits(
        found.port, user=cluster.ROLE, database=cluster.DATABASE, timeout=_PING_SECONDS
    )


def _ended_within(here: Home, seconds: float) -> bool:
    """Wait until no process of the server is left."""
    alive = files.open_lock(here.alive)
    try:
        return files.lock_within(alive, seconds)
    finally:
        os.close(alive)


def _read(here: Home) -> _Postmaster | None:
    """Return the server that `postmaster.pid` describes, if it is running."""
    try:
        lines = (here.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not _is_postmaster(pid, here.data):
        return None
    return _Postmaster(pid, port, lines[7].strip() if len(lines) > 7 else "starting")


def _is_postmaster(pid: int, data: Path) -> bool:
    """Return whether the process serves this data: another program may have its process id by now."""
    try:
        return psutil.Process(pid).cmdline()[1:3] == ["-D", str(data)]
    except (psutil.Error, ValueError):
        return False


def _kill(pid: int, data: Path) -> None:
    if _is_postmaster(pid, data):
        os.kill(pid, signal.SIGKILL)


def _leftovers(here: Home) -> list[psutil.Process]:
    """Return processes of this server that outlived its postmaster, and of an interrupted initdb."""
    titles, programs = (f"postgres: {here.cluster}:",), ("/postgres", "/initdb")
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if (command := process.info["cmdline"])
        and (
            command[0].startswith(titles)
            or (command[0].endswith(programs) and {str(here.data), str(here.draft)} & set(command))
        )
    ]


def _server(here: Home, found: _Postmaster) -> Server:
    if not here.password.exists():
        raise PostgresFailed(
            f"{here.password} is missing; it is the password of the database next to it: restore it from a backup"
        )
    password = here.password.read_text(encoding="ascii").strip()
    url = f"postgresql://{cluster.ROLE}:{password}@127.0.0.1:{found.port}/{cluster.DATABASE}"
    return Server(here, found.pid, found.port, url)


def _port(here: Home) -> int:
    return int(here.port.read_text(encoding="ascii")) if here.port.exists() else _new_port()


def _new_port() -> int:
    while not _is_free(port := secrets.choice(_PORTS)):
        pass
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _data_version(here: Home) -> int | None:
    version = here.data / "PG_VERSION"
    return int(version.read_text(encoding="ascii")) if version.exists() else None


def _last_words(here: Home) -> str:
    """Return PostgreSQL's last error message, or where to read more if there is none."""
    return _complaint(here) or f"no output; see {here.start_log}"


def _complaint(here: Home) -> str | None:
    """Find PostgreSQL's last error message in its newest log file, that of this start; None if there is none."""
    written = [file for file in (*here.log.glob("*.log"), here.start_log) if file.exists()]
    for file in sorted(written, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()[-50:]
        for line in reversed(lines):
            if re.search(r"(FATAL|PANIC|ERROR|postgres): ", line):
                return f"{line} (more in {file})"
    return None
