"""A process that refuses what a gateway has no time for: so that a refusal takes nothing from those who are decided.

It knows nothing of Andon and needs nothing but Python, so that it starts at once and is small. A gateway that sheds hands it the
sockets of those it refused (`parking.py`) and keeps its own ends closed meanwhile. On each of them every whole request for a decision gets the same
answer, for some time; then the connection is left to the gateway again, and so is one on which anything else comes, unread.

`python shedder.py CHANNEL`: on the channel come until when connections are to be kept at most, and their numbers, with their sockets; or RECALL,
which has all of them come back; the gateway is told, as JSON, which came back and what was refused. When it ends, so does this.
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

NICE = 3
"""It gets half as much of the processors as those who decide, where there are too few. With less, refusals come late, and who has
no connection left because he waits for a refusal on each is late with all that he asks."""

AT_ONCE = 250
"""Sockets in one message at most; the kernel takes 253."""

RECALL = b"R"

NUMBERS = "I"
"""How numbers of connections are sent, by the module array."""

UNTIL = "d"
"""How the moment is sent, before them, on the clock that all processes of a machine share (`time.monotonic`)."""

_UNTIL_SIZE = array(UNTIL).itemsize

_MOST = 65_536
"""What is longer than this is left to the gateway."""

_PROCESSOR = 36
"""Where among the fields behind the name it stands in /proc/PID/stat on which processor a process ran last."""

FOLLOW_SECONDS = 0.02
"""How often it is looked where the gateway runs now. To look costs as much as two refusals."""

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
"""The answer to a request that is refused unread: always the same."""


@lru_cache(maxsize=64)
def asked_in(head: bytes) -> tuple[str, int] | None:
    """Which automation a head asks for a decision, and how long the body is; None for any other head.

    One that says its length in two ways is the gateway's to refuse: whoever stands before it may read the other (RFC 9112, 11.2).
    The newest heads are remembered: who is refused sends the same again and again.
    """
    line, length = _LINE.match(head), _LENGTH.search(head)
    if line is None or length is None:
        return None
    small = head.lower()
    if small.count(b"\ncontent-length") > 1 or b"\ntransfer-encoding" in small:
        return None
    return line[1].decode(), int(length[1])


def asked_whole(data: bytes) -> str | None:
    """Which automation one request asks for a decision that is all of this; None for anything else."""
    end = data.find(b"\r\n\r\n") + 4
    asked = asked_in(data[:end]) if end >= 4 else None
    return asked[0] if asked is not None and end + asked[1] == len(data) else None


def refuse(parked: socket.socket, data: bytes) -> bool:
    """Take away what was looked at and answer it, in this order: whoever is killed in between leaves a request without an answer, and none with two.

    One who does not even read refusals is cut off; then False.
    """
    parked.recv(len(data))
    try:
        whole = parked.send(REFUSAL) == len(REFUSAL)
    except BlockingIOError:
        whole = False
    if not whole:
        parked.shutdown(socket.SHUT_RDWR)
    return whole


def elsewhere(pid: int, processors: set[int]) -> set[int]:
    """Those of these processors on which a process does not run now; all of them where that leaves none. See proc(5) for the field."""
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
        """By descriptor, in the order in which they came: the socket, the gateway's number, and until when."""
        self._back: list[int] = []
        self._refused: Counter[str] = Counter()

    def run(self) -> None:
        """Until the gateway is gone."""
        own = self._channel.fileno()
        while True:
            came = self._poll.poll(self._until_next())
            now = monotonic()
            while self._parked and next(iter(self._parked.values()))[2] <= now:
                self._leave(next(iter(self._parked)))  # also if something came on it: its time is over
            if self._parked and now >= self._follow_at:
                self._follow_at = now + FOLLOW_SECONDS
                self._keep_off()
            for descriptor, _ in came:
                if descriptor == own:
                    if not self._take():
                        return
                elif descriptor in self._parked:
                    self._look(descriptor)
            self._tell()

    def _until_next(self) -> float:
        """Seconds until the next connection goes back; -1 if there is none."""
        return max(0.0, next(iter(self._parked.values()))[2] - monotonic()) if self._parked else -1

    def _take(self) -> bool:
        """Hear the gateway; False when it is gone."""
        message, descriptors, _, _ = socket.recv_fds(self._channel, _MOST, AT_ONCE)
        if message == RECALL:
            for descriptor in list(self._parked):
                self._leave(descriptor)
            return True
        if not message:
            return False
        (until,) = array(UNTIL, message[:_UNTIL_SIZE])
        for descriptor, number in zip(descriptors, array(NUMBERS, message[_UNTIL_SIZE:]), strict=True):
            self._parked[descriptor] = (socket.socket(fileno=descriptor), number, until)
            self._poll.register(descriptor, select.EPOLLIN)
        return True

    def _keep_off(self) -> None:
        """Leave the gateway the processor that it has now: the system puts this process there again and again, and the gateway waits as long as some decisions take.

        The gateway moves as well. Who kept off where it once was would share its processor from then on.
        """
        with suppress(OSError):  # the gateway is gone, or somebody has taken our processors away
            os.sched_setaffinity(0, elsewhere(os.getppid(), self._processors))

    def _look(self, descriptor: int) -> None:
        """Refuse what came, or leave the connection if it is anything else."""
        parked = self._parked[descriptor][0]
        try:
            data = parked.recv(_MOST, socket.MSG_PEEK)
            name = asked_whole(data)
            if name is not None and refuse(parked, data):
                self._refused[name] += 1
                return
        except OSError:
            pass  # what is wrong with it the gateway finds
        self._leave(descriptor)

    def _leave(self, descriptor: int) -> None:
        parked, number, _ = self._parked.pop(descriptor)
        self._poll.unregister(descriptor)
        parked.close()
        self._back.append(number)

    def _tell(self) -> None:
        for first in range(0, len(self._back), AT_ONCE):
            told = {"back": self._back[first : first + AT_ONCE], "refused": self._refused}
            self._channel.send(json.dumps(told).encode())
            self._refused.clear()
        self._back.clear()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway says when it is over
    os.nice(NICE)
    _Shedder(socket.socket(fileno=int(sys.argv[1]))).run()
