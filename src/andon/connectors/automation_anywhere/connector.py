"""Bots of a Control Room, deployed with the delivery's key as the automation's name and found again by that name.

The Control Room accepts no idempotency key for a deployment. After a lost answer, its activities are searched before
the bot is deployed again.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from andon.actions import (
    ControlRooms,
    OverHttp,
    Tokens,
    ValueMissing,
    answer_to_order,
    callback_of,
    fetch_token,
    inputs_of,
    listed,
    not_found,
    parts_of,
    still_working,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.automation_anywhere.settings import BotOptions, ControlRoomSettings
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock

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
        self._rooms = ControlRooms(_tokens_of, header=lambda token: {"x-authorization": token}, resolve=resolve)

    async def deliver(self, delivery: Delivery) -> Answer:
        """Deploy the bot once."""
        options, settings = _options(delivery), _settings(delivery.destination)
        try:
            inputs = inputs_of(delivery, options.inputs)
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
        return answer_to_order(
            await self._rooms.call(delivery.destination, "POST", DEPLOY, order),
            ids_in=lambda made: parts_of(made, deployment="deploymentId"),
            wait=options.wait,
            now=self._clock.now(),
            doubt="the bot may have been deployed",
        )

    def can_inquire(self, _: Delivery) -> bool:
        """Return True: activities are found by the automation's name."""
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look for the activity by the delivery's key, and return how it ended."""
        query = {
            "filter": {"operator": "eq", "field": "automationName", "value": str(delivery.key)},
            "sort": [{"field": "startDateTime", "direction": "desc"}],
            "page": {"offset": 0, "length": 10},
        }
        now = self._clock.now()
        found = listed(await self._rooms.call(delivery.destination, "POST", ACTIVITIES, query), "list", "activities")
        return found if isinstance(found, Answer) else _outcome(delivery, found, now=now)

    async def close(self) -> None:
        """Close all connections, and forget the tokens."""
        await self._rooms.close()


def _outcome(delivery: Delivery, found: Sequence[Mapping[str, Any]], *, now: datetime) -> Answer:
    options, settings = _options(delivery), _settings(delivery.destination)
    runs = [one for one in found if one.get("automationName") == str(delivery.key)]
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
        return Answer(AnswerKind.REFUSED, f"the bot is {status}: {str(run.get('message') or '')[:300]}", result=result)
    return still_working(delivery, f"the bot is {status}", now=now, poll_seconds=settings.poll_seconds)


def _tokens_of(http: OverHttp, destination: Destination) -> Tokens:
    settings = _settings(destination)
    key = "" if settings.api_key_env is None else settings.api_key_env.get_secret_value()
    body = json.dumps({"username": settings.user, "apiKey": key}).encode()
    url = destination.url.rstrip("/") + AUTHENTICATE
    headers = {"content-type": "application/json"}
    return Tokens(lambda: fetch_token(http, destination, url, body, headers, field_name="token"))


def _options(delivery: Delivery) -> BotOptions:
    return BotOptions.model_validate(dict(delivery.options))


def _settings(destination: Destination) -> ControlRoomSettings:
    return destination.settings_of("automation_anywhere", ControlRoomSettings)


def _typed(value: Any) -> dict[str, Any]:
    """Return a value as an input variable with its type."""
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "boolean": value}
    if isinstance(value, int | float):
        return {"type": "NUMBER", "number": value}
    return {"type": "STRING", "string": value if isinstance(value, str) else json.dumps(value)}
