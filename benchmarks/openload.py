"""A load generator that does not wait: requests are sent when they are due, whether those before were answered or not.

Arrivals are random (exponential gaps) at a fixed rate over a pool of connections. A request for which no connection is free
waits for one, and its latency counts from when it was due, so that a slow server cannot hide behind a patient generator
(coordinated omission). `offer(load)` runs it in a process of its own, which keeps to one core (`loadgen.py` says why).
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

import numpy as np
import uvloop

from benchmarks.loadgen import keep_to_one_core, told_by
from benchmarks.wire import Connection, request

TICK = 0.001
"""Seconds between two looks at what is due. The loop's timers know no less: it would look again at once, and take the core for it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What to send where, how much, and by when an answer must be there to count. `bodies` are sent in turn."""

    url: str
    bodies: list[str]
    per_second: float
    seconds: float
    deadline: float
    connections: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it: good answers came in time. Latencies of the good and the late, in milliseconds.

    `seconds` go by until the last answer is there, so that what still waited at the end of the load is no gift to `goodput`, good answers a second.

    `by_second` holds the good answers and the 99th percentile of the latency for each second in which requests were due.
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
        """One answer came."""
        if 200 <= status < 300:
            self.latencies.append((due - began, time.perf_counter() - due))
        elif status in (429, 503, 504):
            self.refused += 1
        else:
            self.failures[str(status)] += 1

    def told(self, load: Offer, offered: int, seconds: float, cpu: float) -> Told:
        """All of it."""
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


class _Caller(Connection):
    """One connection. Whoever is answered sends what waits next; no task and no future a request, for the generator has to be cheap."""

    def __init__(self, crowd: "_Crowd") -> None:
        super().__init__()
        self._crowd = crowd
        self._due = 0.0
        self.busy = False

    def ask(self, due: float, text: bytes) -> None:
        """Send a request that was due at a moment."""
        if self._transport is None:
            self._crowd.lost()
            return
        self._due, self.busy = due, True
        self._transport.write(text)

    def on_body(self, part: bytes) -> None:
        """Nobody reads it."""

    def on_message_complete(self) -> None:
        """An answer is there whole."""
        if self.busy:
            self.busy = False
            self._crowd.answered(self, self._parser.get_status_code(), self._due)

    def connection_lost(self, error: Exception | None) -> None:
        """The server closed it."""
        super().connection_lost(error)
        if self.busy:
            self.busy = False
            self._crowd.lost()


class _Crowd:
    """All callers of one load, and what waits for one of them to be free."""

    def __init__(self, load: Offer) -> None:
        parts = urlsplit(load.url)
        self._place = (parts.hostname or "", parts.port or 80)
        self.began = 0.0
        self._free: deque[_Caller] = deque()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._joining = set[asyncio.Task[None]]()
        self._under_way = 0
        self._last: asyncio.Future[None] | None = None
        self.tally = _Tally(load)

    async def join(self) -> None:
        """One more caller."""
        async with asyncio.timeout(5):
            _, caller = await asyncio.get_running_loop().create_connection(lambda: _Caller(self), *self._place)
        self._go_on(caller)

    def ask(self, due: float, text: bytes) -> None:
        """Send a request, or let it wait for a free connection."""
        self._waiting.append((due, text))
        if self._free:
            self._go_on(self._free.popleft())

    def answered(self, caller: _Caller, status: int, due: float) -> None:
        """One answer came: the next, please."""
        self.tally.answered(status, due, self.began)
        self._one_less()
        self._go_on(caller)

    def lost(self) -> None:
        """A request came to nothing, and another connection is needed."""
        self.tally.failures["ConnectionLost"] += 1
        self._one_less()
        task = asyncio.get_running_loop().create_task(self.join())
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def finish(self) -> None:
        """Send nothing more, and wait for what is under way, thirty seconds at most."""
        self.tally.failures["never sent"] += len(self._waiting)
        self._waiting.clear()
        if self._under_way:
            self._last = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._last], timeout=30)
        self.tally.failures["TimeoutError"] += self._under_way

    def _go_on(self, caller: _Caller) -> None:
        if self._waiting:
            self._under_way += 1
            caller.ask(*self._waiting.popleft())
        else:
            self._free.append(caller)

    def _one_less(self) -> None:
        self._under_way -= 1
        if self._last is not None and not self._under_way and not self._last.done():
            self._last.set_result(None)


async def run(load: Offer) -> Told:
    """All arrivals, then whatever is still under way."""
    requests = [
        request("POST", load.url, headers={"Content-Type": "application/json", **load.headers}, body=body.encode())
        for body in load.bodies
    ]
    crowd = _Crowd(load)
    for _ in range(load.connections):
        await crowd.join()
    cpu, began = time.process_time(), time.perf_counter()
    crowd.began = began
    offered, due, draw = 0, began, random.Random(5)
    while due < began + load.seconds:
        while due <= time.perf_counter():
            crowd.ask(due, requests[offered % len(requests)])
            offered += 1
            due += draw.expovariate(load.per_second)
        await asyncio.sleep(max(TICK, due - time.perf_counter()))
    await crowd.finish()
    seconds = time.perf_counter() - began
    return crowd.tally.told(load, offered, seconds, time.process_time() - cpu)


if __name__ == "__main__":
    keep_to_one_core()
    print(json.dumps(asdict(uvloop.run(run(Offer(**json.load(sys.stdin)))))))
