"""Slow requests: an idempotency key or a later answer needs more of the database than the ledger."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace
from pydantic_core import to_json

from andon.decisions import Decision, DecisionRequest, Idempotency, KeyInFlight
from andon.gateway.answers import answer_of, answer_of_record
from andon.gateway.decide.acceptances import Acceptances
from andon.gateway.decide.first_answers import FirstAnswers
from andon.gateway.dependencies import Gateway
from andon.gateway.errors import HeaderInvalid
from andon.gateway.headers import RESPOND_ASYNC

DecideNow: TypeAlias = Callable[[DecisionRequest], Awaitable[Decision | None]]


class SlowAnswer(NamedTuple):
    """Status, own headers and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class SlowRequests:
    """Answers slow requests. Use it from one event loop."""

    def __init__(self, gateway: Gateway, decide: DecideNow) -> None:
        self._in_flight = gateway.keys_in_flight
        self._decide = decide
        self._first_answers = FirstAnswers(gateway.decider, gateway.database)
        self._acceptances = Acceptances(gateway.database)

    async def later(self, request: DecisionRequest, notify: str | None) -> SlowAnswer:
        """Put the request into the intake, for a worker to decide.

        Raises HeaderInvalid for a pinned version, because the intake keeps none; KeyReused, DatabaseUnavailable.
        """
        if request.pinned is not None:
            raise HeaderInvalid("Andon-Model-Version: a version cannot be pinned for an answer that is delivered later")
        identifier = await self._acceptances.of(replace(request, notify=notify))
        location = f"/v1/decisions/{identifier}"
        headers = {"Location": location, "Preference-Applied": RESPOND_ASYNC, "Retry-After": "1"}
        return SlowAnswer(202, headers, to_json({"id": identifier, "status": "pending", "location": location}))

    async def once(self, request: DecisionRequest, key: Idempotency) -> SlowAnswer:
        """Decide under the caller's own key: the first answer is the only one. Raises KeyInFlight."""
        mark = (key.scope, key.key)
        if mark in self._in_flight:
            raise KeyInFlight(retry_after=1)
        self._in_flight.add(mark)
        try:
            first = await self._first_answers.of(key)
            decision = None if first is not None else await self._decide(request)
            if decision is not None:
                return SlowAnswer(200, {"Location": f"/v1/decisions/{request.id}"}, answer_of(decision))
            first = first or await self._first_answers.of(key)
        finally:
            self._in_flight.discard(mark)
        if first is None:
            raise KeyInFlight(retry_after=1)
        headers = {"Location": f"/v1/decisions/{first.row.id}", "Idempotency-Replayed": "true"}
        return SlowAnswer(200, headers, answer_of_record(first))
