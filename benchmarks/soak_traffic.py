"""The mixed load of `script/bench soak`: a few callers of each kind, each at a steady pace, from one event loop.

Every answer is checked, and counted if it must be in the ledger. An unexpected one counts as a failure, by its text.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from andon_demo.wire import Connection, ConnectionLost, request

PACE: dict[str, tuple[int, float]] = {
    "decisions": (4, 10.0),
    "repeats": (1, 4.0),
    "bad inputs": (1, 3.0),
    "accepted": (1, 2.0),
    "isolated": (1, 5.0),
    "batches": (1, 0.1),
    "scrapes": (1, 0.2),
    "changes": (1, 1 / 60),
}
"""Callers of each kind, and the requests per second of each."""

BATCH_ROWS = 50
PAYMENTS, READINGS = "/v1/automations/payments/decisions", "/v1/automations/readings/decisions"
NDJSON = {"Content-Type": "application/x-ndjson"}


@dataclass
class Counted:
    """The results; `recorded` is the number of decisions that the ledger must hold."""

    asked: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    recorded: int = 0
    scraped: int = 0
    longest_scrape: int = 0


class WrongAnswer(Exception):
    """An answer was not the expected one."""


Ask: TypeAlias = Callable[["Caller"], Awaitable[None]]


@dataclass
class Caller:
    """One caller of one kind, on a connection that is opened again when the server has announced its end."""

    url: str
    keys: dict[str, str]
    worker: int
    counted: Counted
    draw: random.Random
    turn: int = 0
    connection: Connection | None = None

    async def send(
        self, method: str, path: str, body: Any = b"", *, role: str = "caller", url: str = "", **more: str
    ) -> tuple[int, bytes]:
        """Send a request over a connection that was not idle for long."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.keys[role]}", "Content-Type": "application/json"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        async with await Connection.to(url or self.url) as fresh:
            answer = await fresh.send(request(method, (url or self.url) + path, headers=headers, body=raw))
        return answer.status, answer.body

    async def keep_sending(self, path: str, body: Any, **more: str) -> tuple[int, dict[str, Any]]:
        """Send a request over the caller's own connection."""
        headers = {"Authorization": f"Bearer {self.keys['caller']}", "Content-Type": "application/json"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        if self.connection is None:
            self.connection = await Connection.to(self.url)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await self.connection.send(request("POST", self.url + path, headers=headers, body=raw))
        return answer.status, json.loads(answer.body)

    def payment(self) -> dict[str, Any]:
        """Return a request of one of a thousand accounts."""
        return {
            "account": f"a{self.draw.randrange(1000)}",
            "amount": round(self.draw.lognormvariate(5, 1), 2),
            "country": self.draw.choice(("DE", "FR", "XX")),
        }


async def decide(caller: Caller) -> None:
    """Request a decision."""
    status, answer = await caller.keep_sending(PAYMENTS, caller.payment())
    require(status == 200 and "outcome" in answer, status, answer)
    caller.counted.recorded += 1


async def decide_twice(caller: Caller) -> None:
    """Request a decision twice under one key: the second answer is the first."""
    body, key = caller.payment(), f"soak-{caller.turn}-{caller.draw.random()}"
    status, first = await caller.keep_sending(PAYMENTS, body, Idempotency_Key=key)
    require(status == 200, status, first)
    caller.counted.recorded += 1
    status, second = await caller.keep_sending(PAYMENTS, body, Idempotency_Key=key)
    require(status == 200 and second["id"] == first["id"], status, second)


async def ask_badly(caller: Caller) -> None:
    """Send an input that cannot be decided, and is refused with its reason."""
    bad: Sequence[tuple[Any, int]] = (
        (caller.payment() | {"amount": -1}, 422),
        (caller.payment() | {"country": "Germany"}, 422),
        ({"account": "a"}, 422),
        (b'{"account": ', 400),
    )
    body, expected = bad[caller.turn % len(bad)]
    status, answer = await caller.keep_sending(PAYMENTS, body)
    require(status in (expected, 422), status, answer)


async def ask_for_later(caller: Caller) -> None:
    """Request a decision that is accepted, and made by a worker."""
    status, answer = await caller.keep_sending(PAYMENTS, caller.payment(), Prefer="respond-async")
    require(status == 202, status, answer)
    caller.counted.recorded += 1
    status, raw = await caller.send("GET", f"/v1/decisions/{answer['id']}?wait=20")
    require(status == 200 and json.loads(raw)["status"] == "decided", status, raw)


async def ask_the_isolated(caller: Caller) -> None:
    """Request a decision from a model in a process of its own."""
    status, answer = await caller.keep_sending(READINGS, {"x": caller.draw.gauss(0, 1)})
    require(status == 200 and "outcome" in answer, status, answer)
    caller.counted.recorded += 1


async def ask_for_many(caller: Caller) -> None:
    """Send a batch."""
    body = b"".join(json.dumps(caller.payment()).encode() + b"\n" for _ in range(BATCH_ROWS))
    status, raw = await caller.send("POST", f"{PAYMENTS}:batch", body, Content_Type=NDJSON["Content-Type"])
    rows = [json.loads(line) for line in raw.splitlines()]
    require(status == 200 and len(rows) == BATCH_ROWS and all("outcome" in row for row in rows), status, raw)
    caller.counted.recorded += len(rows)


async def scrape(caller: Caller) -> None:
    """Scrape the metrics of the gateway and the worker, as Prometheus does."""
    for url in (caller.url, f"http://127.0.0.1:{caller.worker}"):
        status, body = await caller.send("GET", "/metrics", role="admin", url=url)
        require(status == 200 and b"andon_" in body, status, body)
        caller.counted.scraped += 1
        caller.counted.longest_scrape = max(caller.counted.longest_scrape, len(body))


def choice(turn: int) -> tuple[int, dict[str, Any]]:
    """Return the champion of a turn, alternating every second, and one of three splits with its shadow."""
    champion = 1 + turn // 2 % 2
    other = str(3 - champion)
    splits: Sequence[dict[str, Any]] = (
        {"shares": {other: 30}, "shadows": ["3"]},
        {"shares": {"3": 50}, "shadows": [other]},
        {"shares": {other: 20, "3": 20}, "shadows": []},
    )
    return champion, splits[turn % len(splits)]


async def change(caller: Caller) -> None:
    """Change the champion, and the split."""
    champion, split = choice(caller.turn)
    for path, wanted in (
        ("/v1/models/soak-model/aliases/champion", {"number": champion}),
        ("/v1/automations/payments/split", split),
    ):
        status, raw = await caller.send("PUT", path, {**wanted, "reason": "soak"}, role="admin")
        require(status == 200, status, raw)


KINDS: dict[str, Ask] = {
    "decisions": decide,
    "repeats": decide_twice,
    "bad inputs": ask_badly,
    "accepted": ask_for_later,
    "isolated": ask_the_isolated,
    "batches": ask_for_many,
    "scrapes": scrape,
    "changes": change,
}


def require(met: bool, status: int, answer: Any) -> None:
    """Raise WrongAnswer with the response, unless `met`."""
    if not met:
        raise WrongAnswer(f"{status} {str(answer)[:200]}")


async def press(url: str, worker: int, keys: dict[str, str], seconds: float, counted: Counted) -> None:
    """Run all callers for this long."""
    until = time.monotonic() + seconds
    numbers = itertools.count()
    async with asyncio.TaskGroup() as group:
        for kind, (callers, pace) in PACE.items():
            for _ in range(callers):
                caller = Caller(url, keys, worker, counted, random.Random(next(numbers)))
                group.create_task(_keep_asking(kind, caller, pace, until))


async def _keep_asking(kind: str, caller: Caller, pace: float, until: float) -> None:
    """Run one caller at the pace of its kind; when late, it sends immediately."""
    due = time.monotonic() + caller.draw.random() / pace
    while due < until:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += 1 / pace
        caller.turn += 1
        caller.counted.asked[kind] += 1
        try:
            await KINDS[kind](caller)
        except (WrongAnswer, ConnectionLost, TimeoutError, OSError, ValueError) as error:
            caller.counted.failures[f"{kind}: {type(error).__name__} {error}"[:300]] += 1
            if caller.connection is not None:
                with suppress(OSError):
                    caller.connection.close()
                caller.connection = None
    if caller.connection is not None:
        caller.connection.close()
