"""Desktop flows by RunDesktopFlow of Dataverse, and cloud flows by their HTTP trigger.

A run carries our key in the address that it calls back, and is found by it after a lost answer. A destination without
`callback_url` and a cloud flow cannot be asked: what became of a lost request is left to a person.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from andon.actions import (
    AuthorizedApi,
    ClientCredentials,
    OverHttp,
    Tokens,
    ValueMissing,
    answer_of,
    callback_of,
    fill_json,
    json_of,
    not_found,
    still_working,
    values_of,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.power_automate.settings import FlowOptions, PowerAutomateSettings
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import Response, UrlInvalid

SUCCEEDED = 4
_ENDED_BADLY = {5: "skipped", 7: "cancelled", 8: "failed", 9: "faulted", 10: "timed out", 11: "aborted", 12: "ignored"}
_BELOW = "/api/data/v9.2"


class PowerAutomateConnector:
    """Starts flows, and asks how desktop flows ended."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, *, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._http = OverHttp(resolve=resolve)
        self._apis: dict[Destination, AuthorizedApi] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Start the flow once."""
        options = _options(delivery)
        try:
            inputs = _inputs_of(delivery, options)
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
        got = await self._call(delivery.destination, "POST", target, order)
        answer = self._started(got, "the flow may have been started")
        if answer.kind is not AnswerKind.DELIVERED or isinstance(got, Answer):
            return answer
        made = json_of(got)
        result = {"session": made["flowsessionId"]} if isinstance(made, Mapping) and "flowsessionId" in made else None
        if not options.wait:
            return Answer(AnswerKind.DELIVERED, answer.detail, got.status, result=result)
        if result is None:
            return Answer(AnswerKind.UNKNOWN, "started, but its answer holds no flowsessionId", got.status)
        return Answer(AnswerKind.WAITING, f"{answer.detail}; waits for the flow", got.status, result=result)

    def can_inquire(self, delivery: Delivery) -> bool:
        """Return whether the run can be found: by its session, or by our key in the address it calls back."""
        if _options(delivery).flow is None:
            return False
        return "session" in delivery.sent_result or callback_of(delivery) is not None

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look at the run, by its session if that is known, and say how it ended."""
        session = delivery.sent_result.get("session")
        wanted = f"flowsessionid eq {session}" if session else f"contains(callbackurl,'{delivery.key}')"
        select = "flowsessionid,statuscode,errormessage"
        target = f"{_BELOW}/flowsessions?$filter={quote(wanted)}&$select={select}&$orderby=createdon%20desc&$top=1"
        got = await self._call(delivery.destination, "GET", target)
        if isinstance(got, Answer):
            return Answer(AnswerKind.UNKNOWN, got.detail, got.status)
        told = json_of(got)
        found = told.get("value") if isinstance(told, Mapping) else None
        if got.status != 200 or not isinstance(found, list):
            return Answer(AnswerKind.UNKNOWN, f"runs cannot be read: answered {got.status}", got.status)
        return await self._outcome(delivery, found)

    async def close(self) -> None:
        """Close all connections, and forget the tokens."""
        self._apis.clear()
        await self._http.close()

    async def _trigger(self, delivery: Delivery, inputs: Mapping[str, Any]) -> Answer:
        """Call the HTTP trigger of a cloud flow; the flow gets our key, by which it can know a repeat."""
        body = {**inputs, "andon_key": str(delivery.key)}
        callback = callback_of(delivery)
        if callback is not None:
            body["callback_url"] = callback
        got = await self._call(delivery.destination, "POST", "", body)
        return self._started(got, "the flow may have been started")

    def _started(self, got: Response | Answer, warning: str) -> Answer:
        if isinstance(got, Answer):
            return got
        answer = answer_of(got.status, got.headers.get("retry-after"), now=self._clock.now())
        if answer.kind is AnswerKind.FAILED and got.status >= 500 and got.status != 503:
            return Answer(AnswerKind.UNKNOWN, f"{answer.detail}: {warning}", got.status)
        return answer

    async def _outcome(self, delivery: Delivery, found: list[Any]) -> Answer:
        settings, now = _settings(delivery.destination), self._clock.now()
        if not found or not isinstance(found[0], Mapping):
            return not_found(delivery, "no run has this key", now=now, settle_seconds=settings.settle_seconds)
        run = found[0]
        status, session = run.get("statuscode"), str(run.get("flowsessionid"))
        result: dict[str, Any] = {"session": session}
        if not _options(delivery).wait:
            return Answer(AnswerKind.DELIVERED, f"the run exists (status {status})", result=result)
        if status == SUCCEEDED:
            got = await self._call(
                delivery.destination, "GET", f"{_BELOW}/flowsessions({quote(session)})/outputs/$value"
            )
            output = json_of(got) if isinstance(got, Response) and got.status == 200 else None
            return Answer(
                AnswerKind.DELIVERED, "the flow succeeded", result=result | ({"output": output} if output else {})
            )
        if status in _ENDED_BADLY:
            why = f"the flow {_ENDED_BADLY[status]}: {str(run.get('errormessage') or 'no message')[:300]}"
            return Answer(AnswerKind.REFUSED, why, result=result)
        return still_working(delivery, f"the flow runs (status {status})", now=now, poll_seconds=settings.poll_seconds)

    async def _call(self, destination: Destination, method: str, target: str, body: Any = None) -> Response | Answer:
        sent = b"" if body is None else json.dumps(body).encode()
        try:
            return await self._api(destination).call(method, target, body=sent)
        except UrlInvalid as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{destination.name}] cannot be used: {error}")

    def _api(self, destination: Destination) -> AuthorizedApi:
        if destination not in self._apis:
            settings, tokens = _settings(destination), None
            if settings.token_url and settings.client_id and settings.client_secret_env is not None:
                parts = urlsplit(destination.url)
                scope = settings.scope or f"{parts.scheme}://{parts.netloc}/.default"
                secret = settings.client_secret_env.get_secret_value()
                grant = ClientCredentials(settings.token_url, settings.client_id, secret, scope, in_body=True)
                tokens = Tokens(lambda: grant.fetch(self._http, destination))
            self._apis[destination] = AuthorizedApi(self._http, destination, tokens)
        return self._apis[destination]


def _options(delivery: Delivery) -> FlowOptions:
    return FlowOptions.model_validate(dict(delivery.options))


def _settings(destination: Destination) -> PowerAutomateSettings:
    return destination.settings_of("power_automate", PowerAutomateSettings)


def _inputs_of(delivery: Delivery, options: FlowOptions) -> Mapping[str, Any]:
    """Return the inputs, filled in. Raises ValueMissing."""
    if options.inputs is None:
        return {"decision": json.dumps(delivery.data)}
    filled: Mapping[str, Any] = fill_json(options.inputs, values_of(delivery))
    return filled
