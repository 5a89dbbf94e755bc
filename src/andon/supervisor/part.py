"""One part of an installation: checked for readiness, restarted when it ends, replaced by a successor without a gap."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from socket import socket

import structlog

from andon.supervisor.answering import HealthAnswer, ask
from andon.supervisor.backoff import Backoff
from andon.supervisor.child import Child
from andon.supervisor.ports import Address

DRAIN_SECONDS = 15.0
"""The time limit for a process to finish what is in flight."""

_log = structlog.get_logger("andon.supervisor")


class Part:
    """`python -m andon gateway`, or another, on sockets that outlive its process.

    Only the supervisor's thread calls it.

    `successor` is a process about to take over; `leaving` are replaced ones that are finishing.
    """

    def __init__(self, address: Address, command: Sequence[str], folder: Path, sockets: Sequence[socket] = ()) -> None:
        self.address = address
        self.successor: Child | None = None
        self.leaving: list[Child] = []
        self._command, self._folder, self._sockets = command, folder, sockets
        self._child: Child | None = None
        self._backoff = Backoff()
        self._due_at = 0.0

    @property
    def name(self) -> str:
        """What it is."""
        return self.address.part

    @property
    def pids(self) -> list[int]:
        """Its processes, ended ones until they are seen off."""
        return [child.pid for child in self._children()]

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it. Its address reports its state: it may run and not be ready."""
        self._child = self._born(environment, waits=False)

    def tend(self, environment: Callable[[], Mapping[str, str]]) -> int | None:
        """Restart the part after its pause, if it has ended. Return its exit status when it just ended.

        The status is negative for a signal.
        """
        self._see_off()
        if self._child is not None:
            status = self._child.status()
            if status is None:
                return None
            wait = self._backoff.after(self._child.lived)
            self._child = None
            self._due_at = time.monotonic() + wait
            _log.warning("part_ended", part=self.name, status=status, again_in_seconds=wait)
            return status
        if time.monotonic() >= self._due_at:
            try:
                self.start(environment())
            except OSError as error:  # no memory, no process, no descriptor left: it passes
                self._due_at = time.monotonic() + self._backoff.after(0.0)
                _log.warning("part_not_started", part=self.name, error=str(error))
            else:
                _log.info("part_started", part=self.name)
        return None

    def begin_succession(self, environment: Mapping[str, str]) -> Child:
        """Start another process beside the one that runs; it answers nobody before it is ready."""
        self.successor = self._born(environment, waits=True)
        return self.successor

    def succeed(self, successor: Child) -> None:
        """Let the successor be the part, and the one before finish and end, which is no failure of it."""
        if self._child is not None:
            self._child.terminate(within=DRAIN_SECONDS)
            self.leaving.append(self._child)
        successor.hang_up()
        self._child, self.successor = successor, None

    def give_up_succession(self) -> None:
        """End the successor; the running process continues."""
        if self.successor is not None:
            self.successor.kill()
            self.successor.hang_up()
            self.successor = None

    def answer(self) -> HealthAnswer | None:
        """Return its own answer; None while it does not answer at all."""
        return ask(self.address)

    def is_running(self) -> bool:
        """Return whether a process of it lives."""
        return any(child.status() is None for child in self._children())

    def terminate(self) -> None:
        """Ask it to finish what is in flight and end."""
        for child in self._children():
            child.terminate(within=DRAIN_SECONDS)

    def kill(self) -> None:
        """Kill it and everything it started, immediately."""
        for child in self._children():
            child.kill()

    def _born(self, environment: Mapping[str, str], *, waits: bool) -> Child:
        return Child(self._command, self._folder, environment, self._sockets, waits=waits)

    def _children(self) -> list[Child]:
        return [child for child in (self._child, self.successor, *self.leaving) if child is not None]

    def _see_off(self) -> None:
        """Let go of those that have finished, and end those that do not."""
        for child in list(self.leaving):
            if child.status() is None and child.overdue:
                _log.warning("part_killed", part=self.name, pid=child.pid)
                child.kill()
            if child.status() is not None:
                _log.info("part_left", part=self.name, pid=child.pid, status=child.status())
                self.leaving.remove(child)
