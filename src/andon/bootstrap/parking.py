"""Connections of a gateway that are parked with its shedder for a moment, after a request on them was refused.

Who is refused is told to come again in a second. Many do not wait, and to refuse one costs the gateway's only thread about a fifth of what a decision does. So
another process does it (`shedder.py`), which starts when it is first needed; it is only given connections on which nothing is
under way, and all come back at once when there is room again. Where it cannot be had (it needs Linux), the gateway goes on refusing by itself.
"""

import asyncio
import json
import os
import subprocess
import sys
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from socket import AF_UNIX, SOCK_SEQPACKET, send_fds, socket, socketpair
from time import monotonic
from typing import Protocol

import structlog

from andon.bootstrap.shedder import AT_ONCE, NUMBERS, RECALL, UNTIL

PARKED_SECONDS = 0.9
"""How long a connection is parked at most: a little less than who was refused is told to wait, so that whoever does so is read by the gateway. To
park it costs as much as some refusals, so that a shorter time would leave fewer decisions."""

SOON_SECONDS = 0.25
"""Whose last answer is no older when he is refused is parked, if many are refused: he asks again and again."""

MANY = 100
"""Fewer refusals in SOON_SECONDS cost a gateway next to nothing, and whoever asks again may be lucky."""

LOOK_SECONDS = 0.005
"""How often it is looked whether there is room again."""

LOST_SECONDS = 2.0
"""A process that keeps a connection for so much longer than it was told to is taken for lost."""

REST_SECONDS = 5.0
"""How long none is started after one ended by itself."""

_MESSAGE = 65_536

_PASSED_ON = ("PATH", "LD_LIBRARY_PATH")
"""All that the process gets of our environment: any other variable may be a secret."""

log = structlog.get_logger(__name__)


class Parkable(Protocol):
    """A connection that is not read while it is parked."""

    def descriptor(self) -> int | None:
        """Its socket, with nothing left to write; None when it is closed."""
        ...

    def pause(self) -> None:
        """Read no more."""
        ...

    def resume(self) -> None:
        """Read on, if it is open still."""
        ...


class Parking:
    """Use from one event loop. `crowded` says whether they may stay, `tally` hears what was refused by the process: an automation as it was asked, and how often."""

    def __init__(
        self,
        *,
        crowded: Callable[[], bool],
        tally: Callable[[str, int], None],
        seconds: float = PARKED_SECONDS,
        many: int = MANY,
    ) -> None:
        self._crowded = crowded
        self._tally = tally
        self._seconds = seconds
        self._newest: deque[float] = deque(maxlen=many)
        self._numbers = count()
        self._leaving: list[Parkable] = []
        self._parked: dict[int, tuple[Parkable, float]] = {}
        """By number, in their order: the connection, and since when."""
        self._channel: socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._overdue: int | None = None
        """What should have come back by the last look: if this process stood still, what it was sent is heard before the next."""

    @property
    def parked(self) -> int:
        """How many connections are parked now."""
        return len(self._leaving) + len(self._parked)

    def refused(self, connection: Parkable, now: float, before: float) -> None:
        """A request was refused now by the gateway itself, and the one before it on this connection answered in any way (at `before`, or
        never); nothing of it is under way.

        What comes next on it is refused by the process, if that was a moment ago and many are refused.
        """
        newest = self._newest
        newest.append(now)
        if now - before < SOON_SECONDS and len(newest) == newest.maxlen and now - newest[0] < SOON_SECONDS:
            self._park(connection)

    def _park(self, connection: Parkable) -> None:
        connection.pause()
        if not self._leaving:
            asyncio.get_running_loop().call_soon(self._hand_over)  # when what was answered is written
        self._leaving.append(connection)

    def close(self) -> None:
        """End the process, if there is one, and take all back."""
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

    def _hand_over(self) -> None:
        leaving, self._leaving = self._leaving, []
        loop = asyncio.get_running_loop()
        now = loop.time()
        for first in range(0, len(leaving), AT_ONCE):
            there: dict[int, tuple[Parkable, int]] = {}
            for one in leaving[first : first + AT_ONCE]:
                descriptor = one.descriptor()
                if descriptor is None:
                    one.resume()
                else:
                    there[next(self._numbers) & 0xFFFF_FFFF] = one, descriptor
            if self._gave(there):
                self._parked.update((number, (one, now)) for number, (one, _) in there.items())
            else:
                for one, _ in there.values():
                    one.resume()
        if self._parked and self._watch is None:
            self._watch = loop.call_later(LOOK_SECONDS, self._look)

    def _gave(self, there: Mapping[int, tuple[Parkable, int]]) -> bool:
        """Whether the process took these, by their numbers; if it is behind, or gone, it gets none."""
        channel = self._opened() if there else None
        if channel is None:
            return False
        try:
            until = array(UNTIL, [monotonic() + self._seconds])
            send_fds(channel, [until, array(NUMBERS, there)], [descriptor for _, descriptor in there.values()])
        except OSError:
            return False
        return True

    def _lose(self, why: str) -> None:
        """Go on without it for a while."""
        log.warning("shedder.lost", why=why, parked=len(self._parked))
        self._not_before = asyncio.get_running_loop().time() + REST_SECONDS
        self.close()

    def _look(self) -> None:
        """Take all back when there is room, or look again."""
        self._watch = None
        if not self._parked or self._channel is None:
            return
        number, (_, since) = next(iter(self._parked.items()))
        overdue = asyncio.get_running_loop().time() - since > self._seconds + LOST_SECONDS
        if overdue and number == self._overdue:
            self._lose("it gives nothing back")
            return
        self._overdue = number if overdue else None
        if not self._crowded():
            try:
                self._channel.send(RECALL)
            except BlockingIOError:
                pass  # it has not heard of all of them yet
            except OSError:
                return  # it is gone, and that is heard
        self._watch = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _opened(self) -> socket | None:
        """The way to the process, which is started if there is none; None while there can be none."""
        loop = asyncio.get_running_loop()
        if self._channel is not None or loop.time() < self._not_before:
            return self._channel
        try:
            ours, self._process = _started()
        except OSError as error:
            log.warning("shedder.not_started", error=type(error).__name__)
            self._not_before = loop.time() + REST_SECONDS
            return None
        self._channel = ours
        loop.add_reader(ours, self._hear)
        log.info("shedder.started", pid=self._process.pid)
        return ours

    def _hear(self) -> None:
        """Some came back; nothing at all means that it is gone."""
        assert self._channel is not None  # noqa: S101 - it is heard only while there is one
        try:
            message = self._channel.recv(_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._lose("it ended")
            return
        told = json.loads(message)
        for name, times in told["refused"].items():
            self._tally(name, times)
        for number in told["back"]:
            self._parked.pop(number)[0].resume()


def _started() -> tuple[socket, "subprocess.Popen[bytes]"]:
    """A new process and the way to it. Raises OSError."""
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
