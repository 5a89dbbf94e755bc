"""A load generator in a process of its own: a fixed number of connections, each with one request under way, for a fixed time.

`measure(load)` runs it. The process reads its order from standard input (a key has no business in argv) and prints its figures.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from benchmarks.wire import Connection, ConnectionLost, request


@dataclass(frozen=True, slots=True)
class Load:
    """What to send where. `bodies` are sent in turn; an answer counts if its status is 2xx and it contains `expect`."""

    url: str
    bodies: list[str]
    connections: int
    seconds: float
    expect: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it. Latencies in milliseconds; `generator_cpu` near 1 means that the generator was the bottleneck."""

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
    """The load generator could not do its work, as when nobody listens; the message holds what it said."""


def measure(load: Load) -> Figures:
    """Run one load in a process of its own. Raises LoadFailed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.loadgen"],
        input=json.dumps(asdict(load)),
        capture_output=True,
        text=True,
        timeout=load.seconds + 60,
        cwd=Path(__file__).parent.parent,
        check=False,
    )
    if done.returncode != 0:
        raise LoadFailed(f"The load generator failed: {done.stderr.strip()[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return Figures(**figures)


async def run(load: Load) -> Figures:
    """All connections at once, until the time is up; requests under way then are still waited for."""
    requests = [
        request("POST", load.url, headers={"Content-Type": "application/json", **load.headers}, body=body.encode())
        for body in load.bodies
    ]
    expect, latencies, failures = load.expect.encode(), list[int](), Counter[str]()
    open_connections = [await Connection.to(load.url) for _ in range(load.connections)]
    cpu, began = time.process_time(), time.perf_counter()
    until = began + load.seconds

    async def one(number: int, connection: Connection) -> None:
        turn = number * len(requests) // load.connections
        while time.perf_counter() < until:
            sent = time.perf_counter_ns()
            try:
                answer = await connection.send(requests[turn % len(requests)])
            except (ConnectionLost, TimeoutError) as error:
                failures[type(error).__name__] += 1
                connection = await Connection.to(load.url)
                continue
            turn += 1
            if 200 <= answer.status < 300 and expect in answer.body:
                latencies.append(time.perf_counter_ns() - sent)
            else:
                failures[f"{answer.status} {answer.body[:160].decode(errors='replace')}"] += 1
        connection.close()

    await asyncio.gather(*(one(number, connection) for number, connection in enumerate(open_connections)))
    seconds = time.perf_counter() - began
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


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(run(Load(**json.load(sys.stdin)))))))
