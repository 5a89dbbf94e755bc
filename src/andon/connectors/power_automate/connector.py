"""Desktop flows by RunDesktopFlow of Dataverse, and cloud flows by their HTTP trigger.

The callback address of a run contains the delivery's key, by which the run is found after a lost answer. Cloud flows,
and destinations without `callback_url`, allow no inquiry: after a lost answer, a person decides.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from andon.actions import (
    ClientCredentials,
    ControlRooms,
    OverHttp,
    Tokens,
    ValueMissing,
    answer_to_order,
    callback_of,
    inputs_of,
    json_of,
    listed,
    not_found,
    parts_of,
    still_working,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.power_automate.settings import FlowOptions, PowerAutomateSettings
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import Response

SUCCEEDED = 4
_ENDED_BADLY = {5: "skipped", 7: "cancelled", 8: "failed", 9: "faulted", 10: "timed out", 11: "aborted", 12: "ignored"}
_BELOW = "/api/data/v9.2"


class PowerAutomateConnector:
    """Starts flows, and asks how desktop flows ended."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, *, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._rooms = ControlRooms(_tokens_of, resolve=resolve)

    async def deliver(self, delivery: Delivery) -> Answer:
        """Start the flow once."""
        options = _options(delivery)
        try:
            inputs = inputs_of(delivery, options.inputs)
        except ValueMissing as missing:
            return Answer(AnswerKind.REFUSED, str(missing))
        if options.flow is None:
            return await self._trigger(delivery, inputs)
        settings = _settings(delivery.destination)
        order = {
            "runMode": options.run_mode,
            "runPriority": options.priority,
            "connectionName": settings.connection,
            "timeout": settings.timeout_seconds,
            "inputs": json.dumps(inputs),
            **({"connectionType": 2} if settings.connection_reference else {}),
        }
        callback = callback_of(delivery)
        if callback is not None:
            order["callbackUrl"] = callback
        target = f"{_BELOW}/workflows({options.flow})/Microsoft.Dynamics.CRM.RunDesktopFlow"
        answer = self._started(await self._rooms.call(delivery.destination, "POST", target, order), wait=options.wait)
        if answer.kind is AnswerKind.WAITING and answer.result is None:
            return Answer(AnswerKind.UNKNOWN, "started, but its answer holds no flowsessionId", answer.status)
        return answer

    def can_inquire(self, delivery: Delivery) -> bool:
        """Return whether the run can be found: by its session, or by the key in its callback address."""
        if _options(delivery).flow is None:
            return False
        return "session" in delivery.sent_result or callback_of(delivery) is not None

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look up the run, by its session if known, and return how it ended."""
        session = delivery.sent_result.get("session")
        wanted = f"flowsessionid eq {session}" if session else f"contains(callbackurl,'{delivery.key}')"
        select = "flowsessionid,statuscode,errormessage"
        target = f"{_BELOW}/flowsessions?$filter={quote(wanted)}&$select={select}&$orderby=createdon%20desc&$top=1"
        now = self._clock.now()
        found = listed(await self._rooms.call(delivery.destination, "GET", target), "value", "runs")
        return found if isinstance(found, Answer) else await self._outcome(delivery, found, now=now)

    async def close(self) -> None:
        """Close all connections, and forget the tokens."""
        await self._rooms.close()

    async def _trigger(self, delivery: Delivery, inputs: Mapping[str, Any]) -> Answer:
        """Call the HTTP trigger of a cloud flow. The flow gets the delivery's key, and can recognise repeats."""
        body = {**inputs, "andon_key": str(delivery.key)}
        callback = callback_of(delivery)
        if callback is not None:
            body["callback_url"] = callback
        return self._started(await self._rooms.call(delivery.destination, "POST", "", body), wait=False)

    def _started(self, got: Response | Answer, *, wait: bool) -> Answer:
        return answer_to_order(
            got,
            ids_in=lambda made: parts_of(made, session="flowsessionId"),
            wait=wait,
            now=self._clock.now(),
            doubt="the flow may have been started",
        )

    async def _outcome(self, delivery: Delivery, found: Sequence[Mapping[str, Any]], *, now: datetime) -> Answer:
        settings = _settings(delivery.destination)
        if not found:
            return not_found(delivery, "no run has this key", now=now, settle_seconds=settings.settle_seconds)
        run = found[0]
        status, session = run.get("statuscode"), str(run.get("flowsessionid"))
        result: dict[str, Any] = {"session": session}
        if not _options(delivery).wait:
            return Answer(AnswerKind.DELIVERED, f"the run exists (status {status})", result=result)
        if status == SUCCEEDED:
            outputs = f"{_BELOW}/flowsessions({quote(session)})/outputs/$value"
            got = await self._rooms.call(delivery.destination, "GET", outputs)
            output = json_of(got) if isinstance(got, Response) and got.status == 200 else None
            return Answer(
                AnswerKind.DELIVERED, "the flow succeeded", result=result | ({"output": output} if output else {})
            )
        if status in _ENDED_BADLY:
            why = f"the flow {_ENDED_BADLY[status]}: {str(run.get('errormessage') or 'no message')[:300]}"
            return Answer(AnswerKind.REFUSED, why, result=result)
        return still_working(delivery, f"the flow runs (status {status})", now=now, poll_seconds=settings.poll_seconds)


def _tokens_of(http: OverHttp, destination: Destination) -> Tokens | None:
    settings = _settings(destination)
    if not settings.token_url or not settings.client_id or settings.client_secret_env is None:
        return None
    parts = urlsplit(destination.url)
    scope = settings.scope or f"{parts.scheme}://{parts.netloc}/.default"
    secret = settings.client_secret_env.get_secret_value()
    grant = ClientCredentials(settings.token_url, settings.client_id, secret, scope, in_body=True)
    return Tokens(lambda: grant.fetch(http, destination))


def _options(delivery: Delivery) -> FlowOptions:
    return FlowOptions.model_validate(dict(delivery.options))


def _settings(destination: Destination) -> PowerAutomateSettings:
    return destination.settings_of("power_automate", PowerAutomateSettings)
