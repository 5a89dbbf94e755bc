"""A load generator in a process of its own: a fixed number of connections, one request each, for a fixed time.

`measure(load)` runs it. The process reads its order from standard input (a key has no business in argv) and prints its
figures.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import numpy as np
import uvloop

from andon_demo.wire import request


@dataclass(frozen=True, slots=True)
class Load:
    """The requests and their target. `bodies` are sent in turn. An answer counts if it is 2xx and contains `expect`."""

    url: str
    bodies: list[str]
    connections: int
    seconds: float
    expect: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """The result of a load. Latencies in milliseconds; `generator_cpu` near 1 means a bottleneck in the generator."""

    answered: int
    failed: int
    seconds: float
    per_second: float
    p50: float
    p95: float
    p99: float
    generator_cpu: float
    failures: dict[str, int]


class LoadFailed(RuntimeError):
    """The load generator failed, for example because nothing listens; the message holds its output."""


def measure(load: Load) -> Figures:
    """Run one load in a process of its own. Raises LoadFailed."""
    return Figures(**told_by("benchmarks.loadgen", asdict(load), seconds=load.seconds))


def told_by(generator: str, order: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
    """Return the result of one order from a load generator's module, after `seconds`. Raises LoadFailed."""
    done = subprocess.run(
        [sys.executable, "-m", generator],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        cwd=Path(__file__).parent.parent,
        check=False,
    )
    if done.returncode != 0:
        raise LoadFailed(f"The load generator failed: {done.stderr.strip()[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@dataclass(slots=True)
class Course:
    """The shared state of all callers of one load: the requests, the end time, and the results."""

    requests: list[bytes]
    expect: bytes
    until: float
    latencies: list[int] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


class Caller(asyncio.Protocol):
    """One connection: sends the next request as soon as the last is answered. Callbacks only: tasks cost twice as much.

    `ended` is set when the time is up, or the connection is over or lost.
    """

    def __init__(self, course: Course, turn: int) -> None:
        self.turn = turn
        self.ended = asyncio.get_running_loop().create_future()
        self._course = course
        self._body: list[bytes] = []
        self._sent = 0
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        course, taken = self._course, time.perf_counter_ns() - self._sent
        status, body = self._parser.get_status_code(), b"".join(self._body)
        self._body.clear()
        self.turn += 1
        if 200 <= status < 300 and course.expect in body:
            course.latencies.append(taken)
        else:
            course.failures[f"{status} {body[:160].decode(errors='replace')}"] += 1
        if self._parser.should_keep_alive():
            self._send()
        else:  # announced by the server: nothing is lost, and the next request uses another connection
            self.ended.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        if not self.ended.done():
            self._course.failures["ConnectionLost"] += 1
            self.ended.set_result(None)

    def close(self) -> None:
        """Close the connection immediately."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        if time.perf_counter() >= self._course.until:
            self.ended.set_result(None)
            return
        assert self._transport is not None
        self._sent = time.perf_counter_ns()
        self._transport.write(self._course.requests[self.turn % len(self._course.requests)])


async def run(load: Load) -> Figures:
    """Load all connections until the time is up, and wait at most thirty seconds for open requests."""
    headers = {"Content-Type": "application/json", **load.headers}
    requests = [request("POST", load.url, headers=headers, body=body.encode()) for body in load.bodies]
    cpu, began = time.process_time(), time.perf_counter()
    course = Course(requests, load.expect.encode(), began + load.seconds)
    turns = [number * len(requests) // load.connections for number in range(load.connections)]
    await asyncio.gather(*(_call(load.url, course, turn) for turn in turns))
    seconds = time.perf_counter() - began
    latencies, failures = course.latencies, course.failures
    p50, p95, p99 = (np.percentile(latencies, [50, 95, 99]) / 1e6).tolist() if latencies else (0.0, 0.0, 0.0)
    return Figures(
        answered=len(latencies),
        failed=failures.total(),
        seconds=round(seconds, 3),
        per_second=round(len(latencies) / seconds, 1),
        p50=round(p50, 3),
        p95=round(p95, 3),
        p99=round(p99, 3),
        generator_cpu=round((time.process_time() - cpu) / seconds, 2),
        failures=dict(failures.most_common(5)),
    )


async def _call(url: str, course: Course, turn: int) -> None:
    """Keep one connection open until the time is up, replacing it when it is lost."""
    loop, host, port = asyncio.get_running_loop(), urlsplit(url).hostname, urlsplit(url).port
    assert host is not None
    assert port is not None
    while time.perf_counter() < course.until:
        _, caller = await loop.create_connection(partial(Caller, course, turn), host, port)
        try:
            async with asyncio.timeout(course.until - time.perf_counter() + 30):
                await caller.ended
        except TimeoutError:
            course.failures["TimeoutError"] += 1
        caller.close()
        turn = caller.turn


def keep_to_one_core() -> None:
    """Stay on the last core while the process runs, since a woken process moves to the core of the sender.

    Otherwise both share a core for a fifth to two thirds of the time, while another one is idle.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    keep_to_one_core()
    print(json.dumps(asdict(uvloop.run(run(Load(**json.load(sys.stdin)))))))
