"""Steady load on a running gateway: a few sequential callers who keep each answer and its time."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from automations import payment
from calls import DECIDE


@dataclass(frozen=True)
class Answer:
    """One answer, whole; `asked` and `at` are seconds of the monotonic clock."""

    asked: float
    at: float
    status: int
    account: str
    content: dict[str, Any]


@dataclass
class Pressure:
    """`width` callers from `__enter__` to `__exit__`. A connection that breaks is counted and opened again."""

    port: int
    key: str
    width: int = 8
    accounts: Sequence[str] = ("a1",)
    """Whose payments are asked about, in turn."""
    answers: list[Answer] = field(default_factory=list)
    broken: int = 0
    _stop: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)

    def wait_for(self, count: int, *, after: float = 0.0, status: int = 200, within: float = 10) -> bool:
        """Whether so many answers of a status came to requests that were asked after a moment."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            if sum(one.asked > after and one.status == status for one in list(self.answers)) >= count:
                return True
            self._stop.wait(0.01)
        return False

    def __enter__(self) -> Self:
        self._threads = [Thread(target=self._ask_on) for _ in range(self.width)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        bodies = [json.dumps(payment(amount=1.0, account=account)).encode() for account in self.accounts]
        for account, body in cycle(zip(self.accounts, bodies, strict=True)):
            if self._stop.is_set():
                break
            asked = time.monotonic()
            try:
                connection.request("POST", DECIDE, body, headers)
                response = connection.getresponse()
                content = json.loads(response.read())
            except (OSError, HTTPException):
                self.broken += 1
                connection.close()
                self._stop.wait(0.02)
                continue
            self.answers.append(Answer(asked, time.monotonic(), response.status, account, content))
        connection.close()
