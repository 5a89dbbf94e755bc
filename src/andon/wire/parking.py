"""Parking of connections with the shedder, a small process that refuses requests for the gateway under overload.

A refusal costs the gateway's only thread about a fifth of a decision, and many callers retry at once. So the connection
of such a caller is handed to the shedder (`shedder.py`) for a moment. The process starts when it is first needed and
gets only connections without a request under way. All return as soon as there is room. Without the process (it needs
Linux), the gateway refuses by itself.
"""

import asyncio
import json
import os
import subprocess
import sys
from array import array
from collections import deque
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from socket import AF_UNIX, SOCK_SEQPACKET, send_fds, socket, socketpair
from time import monotonic
from typing import Protocol

import structlog

from andon.wire.seam import Overload
from andon.wire.shedder import DEADLINE, NUMBERS, RECALL, SOCKETS_AT_ONCE

PARKED_SECONDS = 0.9
"""Longest time a connection is parked, below the second that Retry-After asks for.

So the gateway again reads a caller who waits that long. Parking costs as much as some refusals, so a shorter time would
leave fewer decisions.
"""

PARK_AFTER = 0.25
"""A caller refused within this many seconds of its last answer is parked while many requests are refused."""

MANY = 100
"""Refusals within PARK_AFTER that count as many. Fewer cost the gateway next to nothing."""

CHECK_SECONDS = 0.005
"""Time between two checks whether parked connections can come back."""

LOST_SECONDS = 2.0
"""Time beyond its deadline after which a connection that was not given back means that the shedder is lost."""

RESTART_SECONDS = 5.0
"""Time from the loss of a shedder to the start of the next."""

_MESSAGE_BYTES = 65_536

_PASSED_ON = ("PATH", "LD_LIBRARY_PATH")
"""Environment variables that the process gets. Any other may be a secret."""

log = structlog.get_logger(__name__)


class Parkable(Protocol):
    """A connection that can be parked. It is not read meanwhile."""

    def descriptor(self) -> int | None:
        """Return the socket's number if nothing is left to write; None if it is closed."""
        ...

    def pause(self) -> None:
        """Stop reading."""
        ...

    def resume(self) -> None:
        """Read again, if the connection is open."""
        ...


class Parking:
    """The parked connections of one gateway. Use from one event loop."""

    def __init__(self, overload: Overload, *, seconds: float = PARKED_SECONDS, many: int = MANY) -> None:
        self._overload = overload
        self._seconds = seconds
        self._refused_at: deque[float] = deque(maxlen=many)
        self._numbers = count()
        self._leaving: list[Parkable] = []
        self._parked: dict[int, tuple[Parkable, float]] = {}
        """Connection and time of parking by number, the oldest first."""
        self._channel: socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0
        self._check: asyncio.TimerHandle | None = None
        self._overdue: int | None = None
        """Number that was overdue at the last check.

        If this process stood still, the next check reads what was sent meanwhile.
        """

    @property
    def parked(self) -> int:
        """The number of parked connections."""
        return len(self._leaving) + len(self._parked)

    def refused(self, connection: Parkable, now: float, answered_before: float) -> None:
        """Note a refusal on a connection with nothing under way, and park the connection if many requests are refused.

        `answered_before` is the time of the answer before this one: -inf for the first request of a connection.
        """
        newest = self._refused_at
        newest.append(now)
        many = len(newest) == newest.maxlen and now - newest[0] < PARK_AFTER
        if many and now - answered_before < PARK_AFTER:
            self._park(connection)

    def close(self) -> None:
        """End the process, if there is one, and take all connections back."""
        process, self._process = self._process, None
        if self._channel is not None:
            asyncio.get_running_loop().remove_reader(self._channel)
            self._channel.close()
            self._channel = None
        if process is not None:
            process.kill()
            process.wait()
        for connection in [*self._leaving, *(connection for connection, _ in self._parked.values())]:
            connection.resume()
        self._leaving.clear()
        self._parked.clear()

    def _park(self, connection: Parkable) -> None:
        connection.pause()
        if not self._leaving:
            asyncio.get_running_loop().call_soon(self._hand_over)  # after this turn's answers are written
        self._leaving.append(connection)

    def _hand_over(self) -> None:
        leaving, self._leaving = self._leaving, []
        loop = asyncio.get_running_loop()
        now = loop.time()
        for first in range(0, len(leaving), SOCKETS_AT_ONCE):
            going: dict[int, tuple[Parkable, int]] = {}
            for connection in leaving[first : first + SOCKETS_AT_ONCE]:
                descriptor = connection.descriptor()
                if descriptor is None:
                    connection.resume()
                else:
                    going[next(self._numbers) & 0xFFFF_FFFF] = connection, descriptor
            if self._is_sent(going):
                self._parked.update((number, (connection, now)) for number, (connection, _) in going.items())
            else:
                for connection, _ in going.values():
                    connection.resume()
        if self._parked and self._check is None:
            self._check = loop.call_later(CHECK_SECONDS, self._check_parked)

    def _is_sent(self, going: Mapping[int, tuple[Parkable, int]]) -> bool:
        """Send connections to the shedder. False if it is behind or gone: then none was sent."""
        channel = self._opened() if going else None
        if channel is None:
            return False
        try:
            deadline = array(DEADLINE, [monotonic() + self._seconds])
            send_fds(channel, [deadline, array(NUMBERS, going)], [descriptor for _, descriptor in going.values()])
        except OSError:
            return False
        return True

    def _lose(self, why: str) -> None:
        """Continue without a shedder for RESTART_SECONDS."""
        log.warning("shedder.lost", why=why, parked=len(self._parked))
        self._not_before = asyncio.get_running_loop().time() + RESTART_SECONDS
        self.close()

    def _check_parked(self) -> None:
        """Recall all connections if there is room, otherwise check again later."""
        self._check = None
        if not self._parked or self._channel is None:
            return
        loop = asyncio.get_running_loop()
        number, (_, since) = next(iter(self._parked.items()))
        overdue = loop.time() - since > self._seconds + LOST_SECONDS
        if overdue and number == self._overdue:
            self._lose("it returns nothing")
            return
        self._overdue = number if overdue else None
        if not self._overload.crowded:
            try:
                self._channel.send(RECALL)
            except BlockingIOError:
                pass  # it has not taken all of them yet
            except OSError:
                return  # it is gone; the channel reports that
        self._check = loop.call_later(CHECK_SECONDS, self._check_parked)

    def _opened(self) -> socket | None:
        """Return the channel to the shedder, which is started if there is none; None while there can be none."""
        loop = asyncio.get_running_loop()
        if self._channel is not None or loop.time() < self._not_before:
            return self._channel
        try:
            channel, self._process = _start()
        except OSError as error:
            log.warning("shedder.not_started", error=type(error).__name__)
            self._not_before = loop.time() + RESTART_SECONDS
            return None
        self._channel = channel
        loop.add_reader(channel, self._receive)
        log.info("shedder.started", pid=self._process.pid)
        return channel

    def _receive(self) -> None:
        """Take back the connections of one message. An empty message means that the shedder is gone."""
        assert self._channel is not None  # noqa: S101 - the loop reads it only while there is one
        try:
            message = self._channel.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._lose("it ended")
            return
        report = json.loads(message)
        for automation, times in report["refused"].items():
            self._overload.tally(automation, times)
        for number in report["back"]:
            self._parked.pop(number)[0].resume()


def _start() -> tuple[socket, "subprocess.Popen[bytes]"]:
    """Start a shedder and return the channel to it. Raises OSError."""
    ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
    with theirs:
        program = str(Path(__file__).with_name("shedder.py"))
        command = [sys.executable, "-I", "-S", program, str(theirs.fileno())]
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            process = subprocess.Popen(  # noqa: S603 - a fixed command
                command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )
        except OSError:
            ours.close()
            raise
    ours.setblocking(False)
    return ours, process
