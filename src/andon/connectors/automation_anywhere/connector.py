"""Bots of a Control Room: deployed under our key as the automation's name, and found again by it.

Deploying is not transactional and knows no key of idempotency, so after a lost answer the activities are searched
before anything is deployed again.
"""

import json
from collections.abc import Mapping
from typing import Any

from andon.actions import (
    AuthorizedApi,
    FetchedToken,
    OverHttp,
    Tokens,
    ValueMissing,
    answer_of,
    callback_of,
    fetch_token,
    fill_json,
    json_of,
    not_found,
    still_working,
    values_of,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.automation_anywhere.settings import BotOptions, ControlRoomSettings
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import Response, UrlInvalid

AUTHENTICATE = "/v2/authentication"
DEPLOY = "/v4/automations/deploy"
ACTIVITIES = "/v3/activity/list"

_DONE = {"COMPLETED", "RUN_COMPLETED"}
_ENDED_BADLY = {"RUN_FAILED", "DEPLOY_FAILED", "RUN_ABORTED", "RUN_TIMED_OUT", "UNKNOWN_DEVICE"}


class AutomationAnywhereConnector:
    """Deploys bots, and asks how they ended."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, *, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._http = OverHttp(resolve=resolve)
        self._apis: dict[Destination, AuthorizedApi] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Deploy the bot once."""
        options, settings = _options(delivery), _settings(delivery.destination)
        try:
            inputs = _inputs_of(delivery, options)
        except ValueMissing as missing:
            return Answer(AnswerKind.REFUSED, str(missing))
        order: dict[str, Any] = {
            "botId": options.bot,
            "automationName": str(delivery.key),
            "botInput": {name: _typed(value) for name, value in inputs.items()},
            "unattendedRequest": {"runAsUserIds": list(settings.run_as), "poolIds": list(settings.pools)},
        }
        callback = callback_of(delivery)
        if callback is not None:
            order["callbackInfo"] = {"url": callback}
        got = await self._call(delivery.destination, DEPLOY, order)
        if isinstance(got, Answer):
            return got
        answer = answer_of(got.status, got.headers.get("retry-after"), now=self._clock.now())
        if answer.kind is AnswerKind.FAILED and got.status >= 500 and got.status != 503:
            return Answer(AnswerKind.UNKNOWN, f"{answer.detail}: the bot may have been deployed", got.status)
        if answer.kind is not AnswerKind.DELIVERED:
            return answer
        made = json_of(got)
        result = {"deployment": made["deploymentId"]} if isinstance(made, Mapping) and "deploymentId" in made else None
        if not options.wait:
            return Answer(AnswerKind.DELIVERED, answer.detail, got.status, result=result)
        return Answer(AnswerKind.WAITING, f"{answer.detail}; waits for the bot", got.status, result=result)

    def can_inquire(self, _: Delivery) -> bool:
        """Return True: activities are found by the automation's name."""
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look for the activity by our key, and say how it ended."""
        query = {
            "filter": {"operator": "eq", "field": "automationName", "value": str(delivery.key)},
            "sort": [{"field": "startDateTime", "direction": "desc"}],
            "page": {"offset": 0, "length": 10},
        }
        got = await self._call(delivery.destination, ACTIVITIES, query)
        if isinstance(got, Answer):
            return Answer(AnswerKind.UNKNOWN, got.detail, got.status)
        told = json_of(got)
        found = told.get("list") if isinstance(told, Mapping) else None
        if got.status != 200 or not isinstance(found, list):
            return Answer(AnswerKind.UNKNOWN, f"activities cannot be read: answered {got.status}", got.status)
        return self._outcome(delivery, found)

    async def close(self) -> None:
        """Close all connections, and forget the tokens."""
        self._apis.clear()
        await self._http.close()

    def _outcome(self, delivery: Delivery, found: list[Any]) -> Answer:
        options, settings, now = _options(delivery), _settings(delivery.destination), self._clock.now()
        runs = [one for one in found if isinstance(one, Mapping) and one.get("automationName") == str(delivery.key)]
        if not runs:
            return not_found(delivery, "no activity has this name", now=now, settle_seconds=settings.settle_seconds)
        run = runs[0]
        status = str(run.get("status"))
        result = {"activity": run.get("id"), "deployment": run.get("deploymentId")}
        if run.get("botOutVariables"):
            result["output"] = run["botOutVariables"]
        if status in _DONE or not options.wait:
            return Answer(AnswerKind.DELIVERED, f"the bot is {status}", result=result)
        if status in _ENDED_BADLY:
            return Answer(
                AnswerKind.REFUSED, f"the bot is {status}: {str(run.get('message') or '')[:300]}", result=result
            )
        return still_working(delivery, f"the bot is {status}", now=now, poll_seconds=settings.poll_seconds)

    async def _call(self, destination: Destination, target: str, body: Any) -> Response | Answer:
        try:
            return await self._api(destination).call("POST", target, body=json.dumps(body).encode())
        except UrlInvalid as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{destination.name}] cannot be used: {error}")

    def _api(self, destination: Destination) -> AuthorizedApi:
        if destination not in self._apis:
            tokens = Tokens(lambda: self._fetch(destination))
            header = lambda token: {"x-authorization": token}  # noqa: E731 - as short as it is
            self._apis[destination] = AuthorizedApi(self._http, destination, tokens, header=header)
        return self._apis[destination]

    async def _fetch(self, destination: Destination) -> FetchedToken | Answer:
        settings = _settings(destination)
        key = "" if settings.api_key_env is None else settings.api_key_env.get_secret_value()
        body = json.dumps({"username": settings.user, "apiKey": key}).encode()
        url = destination.url.rstrip("/") + AUTHENTICATE
        headers = {"content-type": "application/json"}
        return await fetch_token(self._http, destination, url, body, headers, field_name="token")


def _options(delivery: Delivery) -> BotOptions:
    return BotOptions.model_validate(dict(delivery.options))


def _settings(destination: Destination) -> ControlRoomSettings:
    return destination.settings_of("automation_anywhere", ControlRoomSettings)


def _inputs_of(delivery: Delivery, options: BotOptions) -> Mapping[str, Any]:
    """Return the input variables, filled in. Raises ValueMissing."""
    if options.inputs is None:
        return {"decision": json.dumps(delivery.data)}
    filled: Mapping[str, Any] = fill_json(options.inputs, values_of(delivery))
    return filled


def _typed(value: Any) -> dict[str, Any]:
    """Return a value as an input variable with its type."""
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "boolean": value}
    if isinstance(value, int | float):
        return {"type": "NUMBER", "number": value}
    return {"type": "STRING", "string": value if isinstance(value, str) else json.dumps(value)}
