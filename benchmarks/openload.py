"""An open-loop load generator: requests are sent when due, regardless of earlier ones.

Arrivals are random (exponential gaps) at a fixed rate over a pool of connections. A request for which no connection is
free waits for one, and its latency counts from its due time, so that a slow server cannot hide behind a patient
generator (coordinated omission). `offer(load)` runs it in a separate process, which keeps to one core (`loadgen.py`
explains why).

No event loop: it would be woken by answer after answer, up to six thousand times a second, on cores that the server
needs as well. Each millisecond it reads the answers that arrived and sends the requests that are due, so an answer may
count as up to a millisecond late.
"""

import json
import random
import select
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

import httptools
import numpy as np

from andon_demo.wire import request
from benchmarks.loadgen import keep_to_one_core, told_by

TICK = 0.001
"""Seconds between two rounds of reading answers and sending due requests."""

CONNECT_SECONDS = 5.0

LAST_SECONDS = 30.0
"""Seconds to wait for the last answers."""

_READ = 65_536


@dataclass(frozen=True, slots=True)
class Offer:
    """The requests, their target and rate, and the deadline of a good answer. `bodies` are sent in turn."""

    url: str
    bodies: list[str]
    per_second: float
    seconds: float
    deadline: float
    connections: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """The result of a load. Good answers arrived in time; latencies are those of good and late ones, in milliseconds.

    `seconds` lasts until the last answer, so that requests still open at the end of the load do not raise `goodput`,
    the good answers per second. `by_second` holds the good answers and the 99th percentile of the latency for each
    second in which requests were due.
    """

    offered: int
    good: int
    late: int
    refused: int
    failed: int
    seconds: float
    goodput: float
    p50: float
    p99: float
    generator_cpu: float
    failures: dict[str, int]
    by_second: list[list[float]]


def offer(load: Offer) -> Told:
    """Run one load in a process of its own. Raises LoadFailed."""
    return Told(**told_by("benchmarks.openload", asdict(load), seconds=load.seconds))


class _Tally:
    def __init__(self, load: Offer) -> None:
        self._deadline = load.deadline
        self.latencies: list[tuple[float, float]] = []
        self.refused = 0
        self.failures: Counter[str] = Counter()

    def answered(self, status: int, due: float, began: float) -> None:
        """Count an answer."""
        if 200 <= status < 300:
            self.latencies.append((due - began, time.perf_counter() - due))
        elif status in (429, 503, 504):
            self.refused += 1
        else:
            self.failures[str(status)] += 1

    def told(self, load: Offer, offered: int, seconds: float, cpu: float) -> Told:
        """Return the whole result."""
        taken = np.array([latency for _, latency in self.latencies] or [0.0])
        good = int((taken <= load.deadline).sum()) if self.latencies else 0
        return Told(
            offered=offered,
            good=good,
            late=len(self.latencies) - good,
            refused=self.refused,
            failed=self.failures.total(),
            seconds=round(seconds, 3),
            goodput=round(good / seconds, 1),
            p50=round(float(np.percentile(taken, 50)) * 1e3, 2),
            p99=round(float(np.percentile(taken, 99)) * 1e3, 2),
            generator_cpu=round(cpu / seconds, 2),
            failures=dict(self.failures.most_common(5)),
            by_second=self._by_second(load),
        )

    def _by_second(self, load: Offer) -> list[list[float]]:
        seconds: list[list[float]] = [[] for _ in range(int(load.seconds))]
        for due, latency in self.latencies:
            if int(due) < len(seconds):
                seconds[int(due)].append(latency)
        return [
            [float(sum(one <= load.deadline for one in each)), float(np.percentile(each, 99)) * 1e3 if each else 0.0]
            for each in seconds
        ]


class _Caller:
    """One connection. Raises OSError if nothing listens."""

    def __init__(self, place: tuple[str, int]) -> None:
        self._socket = socket.create_connection(place, timeout=CONNECT_SECONDS)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._parser = httptools.HttpResponseParser(self)
        self._is_answered = False
        self.due = 0.0
        """The time at which the open request was due."""

    def fileno(self) -> int:
        """Its socket."""
        return self._socket.fileno()

    def ask(self, due: float, text: bytes) -> None:
        """Send a request that was due at a given time; the previous one is answered. Raises OSError."""
        self.due, self._is_answered = due, False
        if self._socket.send(text) < len(text):
            raise BlockingIOError

    def answer(self) -> int | None:
        """Read what arrived, and return the status of a complete answer. Raises OSError when the server closed it."""
        data = self._socket.recv(_READ)
        if not data:
            raise ConnectionResetError
        self._parser.feed_data(data)
        return self._parser.get_status_code() if self._is_answered else None

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def on_message_complete(self) -> None:
        """Note the end of an answer; called by httptools."""
        self._is_answered = True


class _Crowd:
    """All callers of one load, and the requests that wait for a free one."""

    def __init__(self, load: Offer) -> None:
        parts = urlsplit(load.url)
        self._place = (parts.hostname or "", parts.port or 80)
        self._poll = select.epoll()
        self._callers: dict[int, _Caller] = {}
        self._free: deque[_Caller] = deque()
        self._asking: set[_Caller] = set()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self.began = 0.0
        self.tally = _Tally(load)
        for _ in range(load.connections):
            self._join()

    def ask(self, due: float, text: bytes) -> None:
        """Send a request, or let it wait for a free connection."""
        self._waiting.append((due, text))
        if self._free:
            self._go_on(self._free.popleft())

    def hear(self) -> None:
        """Read the answers so far; each free connection sends a waiting request."""
        for number, _ in self._poll.poll(0, len(self._callers)):
            caller = self._callers[number]
            try:
                status = caller.answer()
            except OSError:
                self._lose(caller)
                continue
            # Data on an idle connection announces that the server closes it.
            if status is not None and caller in self._asking:
                self._asking.remove(caller)
                self.tally.answered(status, caller.due, self.began)
                self._go_on(caller)

    def finish(self) -> None:
        """Send nothing more, and wait for open requests, thirty seconds at most."""
        self.tally.failures["never sent"] += len(self._waiting)
        self._waiting.clear()
        until = time.perf_counter() + LAST_SECONDS
        while self._asking and time.perf_counter() < until:
            time.sleep(TICK)
            self.hear()
        self.tally.failures["TimeoutError"] += len(self._asking)

    def close(self) -> None:
        """Close all connections."""
        for caller in self._callers.values():
            caller.close()
        self._poll.close()

    def _join(self) -> None:
        caller = _Caller(self._place)
        self._callers[caller.fileno()] = caller
        self._poll.register(caller, select.EPOLLIN)
        self._go_on(caller)

    def _lose(self, caller: _Caller) -> None:
        """Replace a lost connection; its open request failed."""
        if caller in self._asking:
            self.tally.failures["ConnectionLost"] += 1
            self._asking.remove(caller)
        else:
            self._free.remove(caller)
        self._poll.unregister(caller)
        del self._callers[caller.fileno()]
        caller.close()
        self._join()

    def _go_on(self, caller: _Caller) -> None:
        if not self._waiting:
            self._free.append(caller)
            return
        self._asking.add(caller)
        try:
            caller.ask(*self._waiting.popleft())
        except OSError:
            self._lose(caller)


def run(load: Offer) -> Told:
    """Run all arrivals, then wait for open requests. Raises OSError when nothing listens."""
    requests = [
        request("POST", load.url, headers={"Content-Type": "application/json", **load.headers}, body=body.encode())
        for body in load.bodies
    ]
    crowd = _Crowd(load)
    cpu, began = time.process_time(), time.perf_counter()
    crowd.began = began
    offered, due, look, draw = 0, began, began, random.Random(5)
    while due < began + load.seconds:
        crowd.hear()
        while due <= time.perf_counter():
            crowd.ask(due, requests[offered % len(requests)])
            offered += 1
            due += draw.expovariate(load.per_second)
        look = max(look + TICK, time.perf_counter())
        time.sleep(max(0.0, look - time.perf_counter()))
    crowd.finish()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    crowd.close()
    return crowd.tally.told(load, offered, seconds, cpu)


if __name__ == "__main__":
    keep_to_one_core()
    print(json.dumps(asdict(run(Offer(**json.load(sys.stdin))))))
