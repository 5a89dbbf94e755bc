"""Persistent callers: each repeats its request under one key until it is answered, through whatever dies meanwhile."""

import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

COUNTRIES = ("DE", "FR", "KP", "XX")


@dataclass
class Answered:
    """One answer that a caller got; with no outcome the request was accepted, to be decided later."""

    key: str
    decision_id: str
    outcome: str | None
    at: float


@dataclass
class Load:
    """`width` callers against gateways, from `start` to `stop`. Everything that was answered is in `answers`.

    A caller whose request got no answer asks the next gateway. The share `later` of requests is only to be accepted.
    """

    ports: Sequence[int]
    token: str
    seed: int
    width: int = 6
    later: float = 0.0
    pause: float = 0.03
    """Seconds between two requests of a caller, so that the faults are what is tested and not the computer."""
    patience: float = 8.0
    """Seconds that a caller waits for an answer before it asks again."""
    answers: list[Answered] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    told: Counter[int] = field(default_factory=Counter)
    """How often each status was answered; 0 is no answer."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _given_up: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def start(self) -> None:
        """Begin asking."""
        self._threads = [threading.Thread(target=self._ask_on, args=(n,), daemon=True) for n in range(self.width)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask nothing new; every caller still gets its last answer."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), "a caller got no answer within 60 s"

    def give_up(self) -> None:
        """Ask no more, whether or not what was asked is answered."""
        self._given_up.set()
        self._stop.set()

    def answered_after(self, moment: float) -> float | None:
        """Seconds from `moment` to the first answer that came after it; None if there is none yet."""
        first = None
        for answer in reversed(self.answers):
            if answer.at <= moment:
                break
            first = answer.at
        return None if first is None else first - moment

    def _ask_on(self, caller: int) -> None:
        draw = random.Random(f"{self.seed}:{caller}")
        while not self._stop.wait(self.pause):
            number = next(self._numbers)
            payment = {
                "payment_id": f"p{number}",
                "account": f"a{draw.randrange(50)}",
                "amount": round(draw.uniform(1, 600), 2),
                "country": draw.choice(COUNTRIES),
            }
            self._insist(number, json.dumps(payment).encode(), later=draw.random() < self.later)

    def _insist(self, number: int, body: bytes, *, later: bool) -> None:
        key = f"key-{number}"
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            **({"Prefer": "respond-async"} if later else {}),
        }
        for turn in itertools.count(number):
            status, answer = self._post(self.ports[turn % len(self.ports)], headers, body)
            self.told[status] += 1
            if status in (200, 202):
                self.answers.append(Answered(key, answer["id"], answer.get("outcome"), time.monotonic()))
                return
            if status in (400, 401, 403, 404, 413, 415, 422, 500):
                self.refusals.append(f"{status} {answer}")
                return
            if self._given_up.wait(0.02):
                return

    def _post(self, port: int, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body; 0 if the connection broke."""
        connection = HTTPConnection("127.0.0.1", port, timeout=self.patience)
        try:
            connection.request("POST", "/v1/automations/payments/decisions", body, headers)
            with connection.getresponse() as response:
                return response.status, json.loads(response.read())
        except (OSError, HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()
