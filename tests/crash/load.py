"""Callers that do not give up: each asks for its decision under one key until it is answered, through whatever dies meanwhile."""

import itertools
import json
import random
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

COUNTRIES = ("DE", "FR", "KP", "XX")


@dataclass
class Answered:
    """One answer that a caller got."""

    key: str
    decision_id: str
    outcome: str
    at: float


@dataclass
class Load:
    """`width` callers against a gateway, from `start` to `stop`. Everything that was answered is in `answers`."""

    port: int
    token: str
    seed: int
    width: int = 6
    answers: list[Answered] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
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

    def answered_after(self, moment: float, *, within: float) -> float | None:
        """Seconds from `moment` to the first answer of a request that was asked and answered after it."""
        until = moment + within
        while time.monotonic() < until:
            recent = [answer.at for answer in self.answers[-self.width * 4 :] if answer.at > moment]
            if recent:
                return min(recent) - moment
            self._stop.wait(0.01)
        return None

    def _ask_on(self, caller: int) -> None:
        draw = random.Random(f"{self.seed}:{caller}")
        while not self._stop.is_set():
            number = next(self._numbers)
            payment = {
                "payment_id": f"p{number}",
                "account": f"a{draw.randrange(50)}",
                "amount": round(draw.uniform(1, 600), 2),
                "country": draw.choice(COUNTRIES),
            }
            self._insist(f"key-{number}", json.dumps(payment).encode())

    def _insist(self, key: str, body: bytes) -> None:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        while True:
            status, answer = self._post(headers, body)
            if status == 200:
                self.answers.append(Answered(key, answer["id"], answer["outcome"], time.monotonic()))
                return
            if status in (400, 401, 403, 404, 413, 415, 422, 500):
                self.refusals.append(f"{status} {answer}")
                return
            time.sleep(0.02)

    def _post(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body; 0 if the connection broke."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request("POST", "/v1/automations/payments/decisions", body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()
