"""Shedder: a process that refuses requests for a gateway under overload, so that refusals take nothing from decisions.

It is one file of Python's standard library, so that it starts immediately and stays small. The gateway hands it the
sockets of refused callers (`parking.py`) and does not read its own ends meanwhile. Each whole request for a decision on
such a socket gets the same answer until the deadline. Then the connection goes back to the gateway. So does one with
anything else on it, unread.

`python shedder.py CHANNEL`. The gateway sends deadline, numbers and sockets of connections, or RECALL for all of them.
It gets back, as JSON, the numbers of the connections that return and the count of refusals. The process ends with the
channel.
"""

import json
import os
import re
import select
import signal
import socket
import sys
from array import array
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import NamedTuple

NICE = 3
"""Its priority: half of a gateway's share where processors are scarce.

With less, refusals come late, and so does the next request of a caller whose connections all wait for one.
"""

SOCKETS_AT_ONCE = 250
"""Sockets in one message. The kernel takes 253."""

RECALL = b"R"

NUMBERS = "I"
"""Type of connection numbers in a message, for the module array."""

DEADLINE = "d"
"""Type of the deadline before them, on the clock that all processes of a machine share (`time.monotonic`)."""

_DEADLINE_BYTES = array(DEADLINE).itemsize

_LONGEST_BYTES = 65_536
"""Longest request that is refused here. A longer one is left to the gateway."""

_PROCESSOR = 36
"""Position of the processor among the fields behind the name in /proc/PID/stat."""

FOLLOW_SECONDS = 0.02
"""Time between two looks at the gateway's processor. A look costs as much as two refusals."""

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: ([0-9]{1,6})\r\n")
_LINE = re.compile(rb"POST /v1/automations/([a-z0-9-]+)/decisions HTTP/1\.1\r\n")


def _refusal() -> bytes:
    content = {
        "type": "urn:andon:problem:overloaded",
        "title": "Overloaded",
        "status": 503,
        "detail": "More is waiting than can be decided in time",
        "code": "Overloaded",
    }
    body = json.dumps(content)
    return (
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()


REFUSAL = _refusal()
"""Answer to a request that is refused unread, always the same."""


class DecideTarget(NamedTuple):
    """The automation that a head asks for a decision, and the length of the body it announces."""

    automation: str
    body_bytes: int


@lru_cache(maxsize=64)
def target_of(head: bytes) -> DecideTarget | None:
    """Read the target of a head; None for any other head.

    A head that gives its length twice is left to the gateway to refuse, since a proxy may read the other one (RFC 9112,
    11.2). The newest heads are cached, because a refused caller repeats the same one.
    """
    line, length = _LINE.match(head), _LENGTH.search(head)
    if line is None or length is None:
        return None
    small = head.lower()
    if small.count(b"\ncontent-length") > 1 or b"\ntransfer-encoding" in small:
        return None
    return DecideTarget(line[1].decode(), int(length[1]))


def automation_of(data: bytes) -> str | None:
    """Name the automation if the data is one whole request for a decision; None for anything else."""
    end = data.find(b"\r\n\r\n") + 4
    target = target_of(data[:end]) if end >= 4 else None
    return target.automation if target is not None and end + target.body_bytes == len(data) else None


def refuse(parked: socket.socket, data: bytes) -> bool:
    """Take the request away, then answer it. Killed in between, one caller gets no answer, and none gets two.

    A caller that does not read its refusals is cut off; then the result is False.
    """
    parked.recv(len(data))
    try:
        whole = parked.send(REFUSAL) == len(REFUSAL)
    except BlockingIOError:
        whole = False
    if not whole:
        parked.shutdown(socket.SHUT_RDWR)
    return whole


def others_than_of(pid: int, processors: set[int]) -> set[int]:
    """Leave out the processor on which a process runs; keep all where none would be left. See proc(5) for the field."""
    text = Path(f"/proc/{pid}/stat").read_text()
    return processors - {int(text.rpartition(")")[2].split()[_PROCESSOR])} or processors


class _Shedder:
    def __init__(self, channel: socket.socket) -> None:
        self._processors = os.sched_getaffinity(0)
        self._follow_at = 0.0
        self._channel = channel
        self._poll = select.epoll()
        self._poll.register(channel, select.EPOLLIN)
        self._parked: dict[int, tuple[socket.socket, int, float]] = {}
        """Socket, number and deadline by descriptor, in order of arrival."""
        self._back: list[int] = []
        self._refused: Counter[str] = Counter()

    def run(self) -> None:
        """Refuse until the gateway is gone."""
        own = self._channel.fileno()
        while True:
            ready = self._poll.poll(self._until_next())
            now = monotonic()
            while self._parked and next(iter(self._parked.values()))[2] <= now:
                self._give_back(next(iter(self._parked)))  # whatever has come on it: its time is over
            if self._parked and now >= self._follow_at:
                self._follow_at = now + FOLLOW_SECONDS
                self._keep_off()
            for descriptor, _ in ready:
                if descriptor == own:
                    if not self._receive():
                        return
                elif descriptor in self._parked:
                    self._look(descriptor)
            self._report()

    def _until_next(self) -> float:
        """Return the seconds to the next deadline; -1 if there is none."""
        return max(0.0, next(iter(self._parked.values()))[2] - monotonic()) if self._parked else -1

    def _receive(self) -> bool:
        """Take one message of the gateway; False when it is gone."""
        message, descriptors, _, _ = socket.recv_fds(self._channel, _LONGEST_BYTES, SOCKETS_AT_ONCE)
        if message == RECALL:
            for descriptor in list(self._parked):
                self._give_back(descriptor)
            return True
        if not message:
            return False
        (deadline,) = array(DEADLINE, message[:_DEADLINE_BYTES])
        for descriptor, number in zip(descriptors, array(NUMBERS, message[_DEADLINE_BYTES:]), strict=True):
            self._parked[descriptor] = (socket.socket(fileno=descriptor), number, deadline)
            self._poll.register(descriptor, select.EPOLLIN)
        return True

    def _keep_off(self) -> None:
        """Leave the gateway the processor it runs on. It moves, so this is repeated.

        The system would otherwise schedule this process there, and the gateway would wait for as long as some decisions
        take.
        """
        with suppress(OSError):  # the gateway is gone, or our processors were taken away
            os.sched_setaffinity(0, others_than_of(os.getppid(), self._processors))

    def _look(self, descriptor: int) -> None:
        """Refuse a request for a decision. Give the connection back for anything else."""
        parked = self._parked[descriptor][0]
        try:
            data = parked.recv(_LONGEST_BYTES, socket.MSG_PEEK)
            automation = automation_of(data)
            if automation is not None and refuse(parked, data):
                self._refused[automation] += 1
                return
        except OSError:
            pass  # the gateway finds out what is wrong with it
        self._give_back(descriptor)

    def _give_back(self, descriptor: int) -> None:
        parked, number, _ = self._parked.pop(descriptor)
        self._poll.unregister(descriptor)
        parked.close()
        self._back.append(number)

    def _report(self) -> None:
        for first in range(0, len(self._back), SOCKETS_AT_ONCE):
            report = {"back": self._back[first : first + SOCKETS_AT_ONCE], "refused": self._refused}
            self._channel.send(json.dumps(report).encode())
            self._refused.clear()
        self._back.clear()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway says when to end
    os.nice(NICE)
    _Shedder(socket.socket(fileno=int(sys.argv[1]))).run()
