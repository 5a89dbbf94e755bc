"""A load generator that does not wait: requests are sent when they are due, whether those before were answered or not.

Arrivals are random (exponential gaps) at a fixed rate over a pool of connections. A request for which no connection is free
waits for one, and its latency counts from when it was due, so that a slow server cannot hide behind a patient generator
(coordinated omission). `offer(load)` runs it in a process of its own.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field

import numpy as np
import uvloop

from benchmarks.loadgen import told_by
from benchmarks.wire import Connection, ConnectionLost, request


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
            goodput=round(good / load.seconds, 1),
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


async def run(load: Offer) -> Told:
    """All arrivals, then whatever is still under way."""
    requests = [
        request("POST", load.url, headers={"Content-Type": "application/json", **load.headers}, body=body.encode())
        for body in load.bodies
    ]
    free = deque([await Connection.to(load.url) for _ in range(load.connections)])
    waiting: deque[tuple[float, bytes]] = deque()
    tally, under_way = _Tally(load), set[asyncio.Task[None]]()
    cpu, began = time.process_time(), time.perf_counter()

    async def send(connection: Connection, due: float, text: bytes) -> None:
        while True:
            try:
                answer = await connection.send(text)
                tally.answered(answer.status, due, began)
            except (ConnectionLost, TimeoutError) as error:
                tally.failures[type(error).__name__] += 1
                connection = await Connection.to(load.url)
            if not waiting:
                free.append(connection)
                return
            due, text = waiting.popleft()

    offered, due, draw = 0, began, random.Random(5)
    while due < began + load.seconds:
        while due <= time.perf_counter():
            text = requests[offered % len(requests)]
            offered += 1
            if free:
                task = asyncio.create_task(send(free.popleft(), due, text))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            else:
                waiting.append((due, text))
            due += draw.expovariate(load.per_second)
        await asyncio.sleep(max(0.0005, due - time.perf_counter()))
    waiting_at_the_end = len(waiting)
    waiting.clear()
    tally.failures["never sent"] += waiting_at_the_end
    while under_way:
        await asyncio.wait(list(under_way))
    seconds = time.perf_counter() - began
    return tally.told(load, offered, seconds, time.process_time() - cpu)


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(run(Offer(**json.load(sys.stdin)))))))
