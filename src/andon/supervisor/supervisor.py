"""`andon up`: everything started in order, kept running, stopped in order."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import structlog

from andon.bootstrap.inheritance import DATABASE, SHARED
from andon.kernel import postgres
from andon.kernel.config import FILE_NAME, Settings
from andon.kernel.errors import Unavailable
from andon.kernel.postgres import PostgresFailed, Recovery, Server
from andon.supervisor import adopted
from andon.supervisor.aside import call_aside
from andon.supervisor.backoff import Backoff
from andon.supervisor.control import Door, opened
from andon.supervisor.errors import NoProject, PartFailed
from andon.supervisor.part import DRAIN_SECONDS, Part
from andon.supervisor.ports import Address, addresses_of, bind, check_free, reserve_shared
from andon.supervisor.restarting import Restart
from andon.supervisor.signals import Signals, caught
from andon.supervisor.single import hold
from andon.supervisor.training import Training, train

_ANSWER_SECONDS = 60.0
"""The time limit for a part to answer at all."""

_READY_SECONDS = 5.0
"""The time `up` waits for all parts before it continues: a new project has no model yet."""

_REFUSALS = (2, 3, 4, 5)
"""Exit statuses of a part that says that the project or its settings are wrong."""

_LOOK_SECONDS = 0.1
_LATE_LOOK_SECONDS = 1.0

_log = structlog.get_logger("andon.supervisor")

Say = Callable[[str], None]
"""Prints to the person at the terminal; never a log, because it prints the first key."""


def up(settings: Settings, *, say: Say, command: Callable[[str], list[str]] | None = None) -> None:
    """Run the installation of `settings.root` until a signal to stop. For the main thread.

    Raises NoProject, AlreadyRunning, PortTaken, PepperMissing, PartFailed and whatever PostgreSQL and migrations raise.
    `command` gives the program of a part by name.
    """
    _check_project(settings)
    addresses = addresses_of(settings)
    with (
        hold(settings.data, {address.part: address.url for address in addresses}),
        caught() as signals,
        opened(settings.data) as door,
        ExitStack() as places,
    ):
        check_free(addresses)
        sockets = {address.part: [places.enter_context(one) for one in bind(address)] for address in addresses}
        shared = _shared_port(settings, places)
        with _storage(settings, say) as storage:
            has_model = _prepared(storage, settings, say, addresses, signals)
            script = None if has_model or has_model is None else settings.project.train
            training = Training(stopped=has_model is None)
            if script is not None:
                training = train(settings.root, script, storage.url, signals, say)
            parts = [
                Part(address, (command or _command)(address.part), settings.root, sockets[address.part])
                for address in addresses
            ]
            if not training.stopped:
                _Supervisor(parts, storage, signals, door, say, shared, training.failed).run()
    say("Stopped")


class _Storage:
    """The database: somebody else's, or the embedded one, which is started again as soon as it ends."""

    def __init__(self, url: str, place: Path, server: Server | None) -> None:
        self.url, self.server = url, server
        self._place = place
        self._recovery = None if server is None else server.recovery()
        self._backoff = Backoff()
        self._started_at = time.monotonic()
        self._due_at = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether the embedded server runs; True for a database of somebody else's."""
        return self.server is None or self.server.is_alive()

    @property
    def ways(self) -> dict[str, str]:
        """The variables that tell a process of ours how it is reached."""
        socket = {} if self.server is None else {DATABASE: str(self.server.socket)}
        return {"ANDON_DATABASE_URL": self.url, **socket}

    def tend(self) -> None:
        """Restart the embedded server if it has ended: at once, and after a failed attempt when its pause is over."""
        if self.server is None or self._recovery is None or time.monotonic() < self._due_at:
            return
        try:
            self._tend(self.server, self._recovery)
        except (PostgresFailed, OSError, subprocess.SubprocessError, psutil.Error) as error:
            self._due_at = time.monotonic() + self._backoff.after(time.monotonic() - self._started_at)
            _log.error("postgres_failed", error=str(error))

    def _tend(self, server: Server, recovery: Recovery) -> None:
        if recovery.is_abandoned():
            _log.warning("postgres_stuck", pid=server.pid, hint="nobody replays its log after a crash: it is killed")
            server.kill()
        if server.is_alive():
            return
        _log.warning("postgres_ended", pid=server.pid)
        self.server = postgres.start(self._place)
        self._started_at = time.monotonic()
        self._recovery = self.server.recovery()
        self.url = self.server.url
        _log.info("postgres_started", pid=self.server.pid)


class _Supervisor:
    def __init__(
        self,
        parts: list[Part],
        storage: _Storage,
        signals: Signals,
        door: Door,
        say: Say,
        shared: Mapping[str, str],
        untrained: str | None = None,
    ) -> None:
        self._parts, self._storage, self._signals, self._door, self._say = parts, storage, signals, door, say
        self._shared = shared
        self._untrained = untrained
        self._unready: list[Part] = []
        self._restart: Restart | None = None

    def run(self) -> None:
        """Start the parts, keep them running until a signal comes, and stop them, whatever happens."""
        try:
            if self._start():
                self._say(self._summary())
                self._keep()
        finally:
            self._stop()

    def _summary(self) -> str:
        """Return what runs and, if something does not, which part and why."""
        if self._untrained is not None:
            return (
                f"Nothing can be decided yet. Training the model failed: {self._untrained}\n"
                "The other processes run. Correct it and start again, or register a model. Ctrl-C stops them"
            )
        return "Everything is running; Ctrl-C stops it"

    def _start(self) -> bool:
        """Start all parts, wait until they answer, and a little longer until ready.

        Return False if a signal came first.
        """
        begin, waiting = time.monotonic(), list(self._parts)
        for part in self._parts:
            part.start(self._environment())
        while waiting:
            if self._signals.stop_within(_LOOK_SECONDS):
                return False
            self._tend(first=True)
            took = time.monotonic() - begin
            waiting = [part for part in waiting if not self._has_come_up(part, took)]
            if waiting and took > _ANSWER_SECONDS:
                late = ", ".join(part.name for part in waiting)
                self._say(f"No answer after {_ANSWER_SECONDS:.0f} s from: {late}; Andon keeps trying")
                self._unready += waiting
                break
        return True

    def _has_come_up(self, part: Part, took: float) -> bool:
        """Report whether a part is ready, or with the reason that it is not going to be for now."""
        answer = part.answer()
        if answer is None or not (answer.ready or took > _READY_SECONDS):
            return False
        line = f"{part.name:<9} {part.address.url}"
        if answer.ready:
            self._say(f"{line}  ready after {took:.1f} s")
        else:
            self._say(f"{line}  is running, but not ready: {answer.reason}")
            self._unready.append(part)
        return True

    def _keep(self) -> None:
        """Tend the parts until a signal comes; tell of those that become ready late."""
        next_look = 0.0
        while not self._signals.stop_within(_LOOK_SECONDS):
            try:
                self._look_after()
                if self._unready and time.monotonic() >= next_look:
                    next_look = time.monotonic() + _LATE_LOOK_SECONDS
                    self._tell_ready()
            except Exception:  # noqa: BLE001 - the edge of the loop: whatever a part does, the others go on
                _log.exception("supervisor_failed")
                if self._signals.stop_within(_LATE_LOOK_SECONDS):
                    return

    def _look_after(self) -> None:
        self._tend()
        self._replace()
        adopted.reap({pid for part in self._parts for pid in part.pids})

    def _tell_ready(self) -> None:
        for part in [part for part in self._unready if (answer := part.answer()) and answer.ready]:
            self._unready.remove(part)
            self._say(f"{part.name:<9} {part.address.url}  is ready now")

    def _tend(self, *, first: bool = False) -> None:
        """Start again whatever has ended. A PostgreSQL that had to change its address takes its parts along.

        A part that refuses what the project says, before it was `first` ready, would do so again: raises PartFailed.
        Whatever else ends a part passes.
        """
        before = self._storage.url
        self._storage.tend()
        if self._storage.url != before:
            for part in self._parts:
                part.terminate()
        for part in self._parts:
            status = part.tend(self._environment)
            if first and status in _REFUSALS:
                raise PartFailed(
                    f"The {part.name} ended with status {status} before it was ready; see its output above"
                )

    def _replace(self) -> None:
        """Continue a command's restart, one part after the other."""
        if self._restart is None and (request := self._door.next_request()) is not None:
            parts = [part for name in request.parts for part in self._parts if part.name == name]
            self._restart = Restart(request, parts, self._environment)
        if self._restart is not None and self._restart.advance():
            self._restart = None

    def _stop(self) -> None:
        """Let the processes finish; a second signal, or the time limit, kills them immediately."""
        if self._restart is not None:
            self._restart.give_up()
        if any(part.is_running() for part in self._parts):
            self._say("Stopping; work in progress is finished first")
        end = time.monotonic() + DRAIN_SECONDS
        for part in self._parts:
            part.terminate()
        while any(part.is_running() for part in self._parts) and time.monotonic() < end:
            if self._signals.stop_within(_LOOK_SECONDS):
                break
        for part in self._parts:
            if part.is_running():
                _log.warning("part_killed", part=part.name)
                part.kill()

    def _environment(self) -> dict[str, str]:
        """Return our environment, with what was found out here: the database's addresses and the ports.

        So no argument list contains them. glibc keeps up to eight heaps a core for the threads of a process; two are
        plenty here, and keep its memory flat.
        """
        inherited = {name: value for name, value in os.environ.items() if name != "ANDON_DATABASE_URL_FILE"}
        ports = {part.address.variable: str(part.address.port) for part in self._parts}
        memory = {"MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2")}
        return {**inherited, **ports, **memory, **self._shared, **self._storage.ways}


def _shared_port(settings: Settings, places: ExitStack) -> dict[str, str]:
    """Reserve the gRPC port for the gateways, if it is free; return the variable that passes it on."""
    port = settings.gateway.grpc_port
    held = reserve_shared(settings.gateway.host, port) if port else None
    if held is None:
        return {}
    places.enter_context(held)
    return {SHARED: str(port)}


@contextmanager
def _storage(settings: Settings, say: Say) -> Iterator[_Storage]:
    place = postgres.place_of(settings)
    if settings.database.url is not None:
        yield _Storage(settings.database.url.get_secret_value(), place, None)
        return
    with postgres.lend(place) as server:
        say(f"database  embedded PostgreSQL on 127.0.0.1:{server.port}, data in {server.home.data}")
        if place.is_symlink():
            say("          (not in the project's folder, which PostgreSQL's user cannot reach)")
        yield _Storage(server.url, place, server)


def _prepared(
    storage: _Storage, settings: Settings, say: Say, addresses: list[Address], signals: Signals
) -> bool | None:
    """Prepare the database, retrying while the embedded one fails; return None if a signal to stop came first."""
    until = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            return _prepare(storage.url, settings, say, addresses)
        except Exception as error:
            passes = isinstance(error, Unavailable) or not storage.is_alive
            if storage.server is None or not passes or time.monotonic() > until:
                raise
            _log.warning("start_waits", error=type(error).__name__)
        if signals.stop_within(_LOOK_SECONDS):
            return None
        storage.tend()


def _prepare(url: str, settings: Settings, say: Say, addresses: list[Address]) -> bool:
    """Upgrade the database and print the first key of a new installation; return whether a model is registered."""
    shown, token, has_model = call_aside("andon.supervisor.preparation", "prepare", url, settings)
    if settings.database.url is not None:
        say(f"database  {shown}")
    if token is not None:
        console = next((address.url for address in addresses if address.part == "console"), None)
        use = "Call the API" if console is None else f"Sign in at {console}"
        say(f"\n{use} with this key; it is shown only once:\n\n    {token}\n")
    return bool(has_model)


def _check_project(settings: Settings) -> None:
    wanted = [settings.root / FILE_NAME, *(settings.root / file for file in settings.project.automations)]
    if not any(file.exists() for file in wanted):
        raise NoProject(
            f"{settings.root} contains no project (no {FILE_NAME}, no automation): create one with `andon init`"
        )


def _command(part: str) -> list[str]:
    """Without the project's folder on the module path, where a file of the project could hide a library's."""
    return [sys.executable, "-P", "-m", "andon.bootstrap", part]
