"""Queue items and jobs of UiPath Orchestrator.

A queue refuses an item whose reference it already has (error 1016), so an item is added at most once. Jobs are not
refused: a job gets the delivery's key as its reference, by which it is looked up before it is started again.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from andon.actions import (
    ClientCredentials,
    ControlRooms,
    OverHttp,
    Tokens,
    ValueMissing,
    answer_of,
    answer_to_order,
    fixed_token,
    inputs_of,
    json_of,
    parts_of,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.uipath.outcomes import outcome_of
from andon.connectors.uipath.routes import ADD_ITEM, START_JOBS, by_name, items_of, jobs_of
from andon.connectors.uipath.settings import UipathOptions, UipathSettings, token_url_of
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import Response

DUPLICATE = 1016
"""Orchestrator's error for an item whose unique reference the queue already has."""


class UipathConnector:
    """Adds queue items and starts jobs, and asks how they ended."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, *, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._rooms = ControlRooms(_tokens_of, resolve=resolve)
        self._known: dict[tuple[Destination, str], str] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Add the item, or start the job, once."""
        options = _options(delivery)
        try:
            content = inputs_of(delivery, options.content)
        except ValueMissing as missing:
            return Answer(AnswerKind.REFUSED, str(missing))
        if options.queue is not None:
            return await self._add(delivery, options, options.queue, content)
        return await self._start(delivery, options, content)

    def can_inquire(self, _: Delivery) -> bool:
        """Return True: items and jobs are found by their reference."""
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look for the item or job by the delivery's key, and return how it ended."""
        options = _options(delivery)
        target = items_of(delivery.key) if options.queue is not None else jobs_of(delivery.key)
        settings, now = _settings(delivery.destination), self._clock.now()
        found = await self._found(delivery.destination, target)
        if isinstance(found, Answer):
            return Answer(AnswerKind.UNKNOWN, found.detail, found.status)
        return outcome_of(delivery, options, settings, found, now=now)

    async def close(self) -> None:
        """Close all connections, and forget the tokens."""
        await self._rooms.close()

    async def _add(self, delivery: Delivery, options: UipathOptions, queue: str, content: Mapping[str, Any]) -> Answer:
        unfit = await self._unfit(delivery.destination, queue)
        if unfit is not None:
            return unfit
        item = {
            "Name": queue,
            "Priority": options.priority,
            "SpecificContent": {name: _flat(value) for name, value in content.items()},
            "Reference": str(delivery.key),
        }
        got = await self._call(delivery.destination, "POST", ADD_ITEM, {"itemData": item})
        if isinstance(got, Response) and _error_of(got) == DUPLICATE:
            detail = "the queue has an item of this reference (error 1016)"
            return Answer(AnswerKind.WAITING if options.wait else AnswerKind.DELIVERED, detail, got.status)
        return self._begun(got, options, doubt=None)

    async def _start(self, delivery: Delivery, options: UipathOptions, content: Mapping[str, Any]) -> Answer:
        release = await self._named(delivery.destination, "Releases", options.process or "", "Key")
        if isinstance(release, Answer):
            return release
        start = {
            "ReleaseKey": release,
            "Strategy": "ModernJobsCount",
            "JobsCount": 1,
            "JobPriority": options.priority,
            "Reference": str(delivery.key),
            "InputArguments": json.dumps(content),
        }
        got = await self._call(delivery.destination, "POST", START_JOBS, {"startInfo": start})
        if got.status == HTTPStatus.NOT_FOUND:
            self._known.pop((delivery.destination, f"Releases/{options.process}"), None)  # it was recreated
        return self._begun(got, options, doubt="the job may have been started")

    def _begun(self, got: Response | Answer, options: UipathOptions, *, doubt: str | None) -> Answer:
        answer = answer_to_order(got, ids_in=_ids_in, wait=options.wait, now=self._clock.now(), doubt=doubt)
        code = _error_of(got) if isinstance(got, Response) else None
        return answer if code is None else replace(answer, detail=f"{answer.detail} (error {code})")

    async def _unfit(self, destination: Destination, queue: str) -> Answer | None:
        """Return why a queue cannot be used: if it accepts a reference twice, the work could be done twice."""
        unique = await self._named(destination, "QueueDefinitions", queue, "EnforceUniqueReference")
        if isinstance(unique, Answer):
            return unique
        if unique != "True":
            self._known.pop((destination, f"QueueDefinitions/{queue}"), None)
            detail = f"queue {queue!r} does not enforce unique references; switch that on in Orchestrator"
            return Answer(AnswerKind.REFUSED, detail)
        return None

    async def _named(self, destination: Destination, entities: str, name: str, field: str) -> str | Answer:
        """Return a field of the entity of this name, which is cached, or an answer that explains its absence."""
        known = destination, f"{entities}/{name}"
        if known not in self._known:
            found = await self._found(destination, by_name(entities, name, field))
            if isinstance(found, Answer):
                kind = AnswerKind.REFUSED if found.kind is AnswerKind.REFUSED else AnswerKind.FAILED
                return Answer(kind, f"{entities} cannot be read: {found.detail}", found.status)
            if not found:
                what = "queue" if entities == "QueueDefinitions" else "process"
                return Answer(AnswerKind.REFUSED, f"the folder has no {what} {name!r}")
            self._known[known] = str(found[0].get(field))
        return self._known[known]

    async def _found(self, destination: Destination, target: str) -> list[Mapping[str, Any]] | Answer:
        got = await self._call(destination, "GET", target)
        if isinstance(got, Answer):
            return got
        if got.status != 200:
            return answer_of(got.status, got.headers.get("retry-after"), now=self._clock.now())
        body = json_of(got)
        found = body.get("value") if isinstance(body, Mapping) else None
        if not isinstance(found, list):
            return Answer(AnswerKind.FAILED, "its answer is not an OData list", got.status)
        return [one for one in found if isinstance(one, Mapping)]

    async def _call(self, destination: Destination, method: str, target: str, body: Any = None) -> Response | Answer:
        settings = _settings(destination)
        headers = {}
        if settings.folder is not None:
            headers["x-uipath-folderpath"] = settings.folder
        if settings.folder_id is not None:
            headers["x-uipath-organizationunitid"] = str(settings.folder_id)
        return await self._rooms.call(destination, method, target, body, headers=headers)


def _tokens_of(http: OverHttp, destination: Destination) -> Tokens | None:
    settings = _settings(destination)
    if settings.token_env is not None:
        return fixed_token(settings.token_env.get_secret_value())
    if settings.client_id is None or settings.client_secret_env is None:
        return None
    secret = settings.client_secret_env.get_secret_value()
    url = token_url_of(destination.url, settings)
    grant = ClientCredentials(url, settings.client_id, secret, settings.scope, in_body=True)
    return Tokens(lambda: grant.fetch(http, destination))


def _options(delivery: Delivery) -> UipathOptions:
    return UipathOptions.model_validate(dict(delivery.options))


def _settings(destination: Destination) -> UipathSettings:
    return destination.settings_of("uipath", UipathSettings)


def _error_of(got: Response) -> Any:
    """Return the number of Orchestrator's error; None without one."""
    body = json_of(got)
    return body.get("errorCode") if isinstance(body, Mapping) else None


def _ids_in(made: Any) -> Mapping[str, Any]:
    """Return the ids of the item, or of the first of the jobs."""
    jobs = made.get("value") if isinstance(made, Mapping) else None
    return parts_of(jobs[0] if isinstance(jobs, list) and jobs else made, id="Id", key="Key")


def _flat(value: Any) -> Any:
    """Return a value in the form of a queue item: text, numbers and booleans; anything else as JSON text."""
    return value if value is None or isinstance(value, str | int | float | bool) else json.dumps(value)
