"""Deciding tool calls: each is checked against the tool's contract, decided like any input, and kept with its permit.

The decision and the permit are two commits. A process that ends between them leaves no permit; a repeat of the call
under the same idempotency key makes it.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from andon import tools
from andon.access import Principal
from andon.authoring import Toolbox
from andon.decisions import Decision, DecisionRecord, DecisionRequest, Idempotency, KeyInFlight
from andon.gateway.decide.first_answers import FirstAnswers
from andon.gateway.dependencies import Gateway
from andon.kernel.ids import uuid7
from andon.tools import ToolCall

_NS = 1_000_000_000


class ToolCalling:
    """Decides calls for the routes. Use it from one event loop."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._first = FirstAnswers(gateway.decider, gateway.database)

    async def decide(
        self,
        box: Toolbox,
        given: Mapping[str, Any],
        *,
        caller: Principal,
        key: str | None,
        correlation: str,
        traceparent: str | None,
        now: datetime,
        began_ns: int,
    ) -> tuple[ToolCall, bool]:
        """Return a call that is decided now or found under the same key, and whether it was found.

        Raises ToolCallInvalid, KeyInFlight.
        """
        tools.check_arguments(box, given["tool"], given["arguments"])
        tools.digest_of(given["arguments"])
        gateway, identifier, raw = self._gateway, uuid7(now), to_json(given)
        gateway.admission.admit(caller.id)
        line = gateway.line(box.name)
        request = DecisionRequest(
            id=identifier,
            automation=box.name,
            raw=raw,
            input=line.contract.read(raw),
            caller=caller.name,
            correlation_id=correlation or str(identifier),
            asked_at=now,
            began_ns=began_ns,
            traceparent=traceparent,
            idempotency=None if key is None else Idempotency.of(box.name, caller.name, key, raw),
            deadline_ns=began_ns + int(gateway.settings.gateway.timeout_seconds * _NS),
        )
        made = await self._decided(request)
        call = tools.decided_call(box, made) if isinstance(made, Decision) else tools.recorded_call(box, made)
        kept = await gateway.in_thread(lambda tx: tools.note(tx, call))
        repeated = isinstance(made, DecisionRecord)
        if not repeated and gateway.tools is not None:
            gateway.tools.decided(kept)
        return kept, repeated

    async def _decided(self, request: DecisionRequest) -> Decision | DecisionRecord:
        key = request.idempotency
        if key is None:
            decision = await self._submit(request)
            if decision is None:
                raise KeyInFlight(retry_after=1)
            return decision
        mark, in_flight = (key.scope, key.key), self._gateway.keys_in_flight
        if mark in in_flight:
            raise KeyInFlight(retry_after=1)
        in_flight.add(mark)
        try:
            found = await self._first.of(key) or await self._submit(request) or await self._first.of(key)
        finally:
            in_flight.discard(mark)
        if found is None:
            raise KeyInFlight(retry_after=1)
        return found

    async def _submit(self, request: DecisionRequest) -> Decision | None:
        admission = self._gateway.admission
        admission.in_flight += 1
        try:
            return await asyncio.shield(self._gateway.decider.decide(request))
        finally:
            admission.in_flight -= 1
