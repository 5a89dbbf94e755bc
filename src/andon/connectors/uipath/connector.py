"""Queue items and jobs of UiPath Orchestrator.

A queue refuses an item whose reference it has (error 1016), so an item is added at most once. Starting a job knows no
such key: the job carries ours as its reference, and is looked for before it is started again.
"""

import json
from collections.abc import Mapping
from typing import Any

from andon.actions import (
    AuthorizedApi,
    ClientCredentials,
    FetchedToken,
    OverHttp,
    Tokens,
    ValueMissing,
    answer_of,
    fill_json,
    json_of,
    values_of,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.uipath.outcomes import outcome_of_item, outcome_of_job
from andon.connectors.uipath.routes import ADD_ITEM, START_JOBS, by_name, items_of, jobs_of
from andon.connectors.uipath.settings import UipathOptions, UipathSettings, token_url_of
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import Response, UrlInvalid

DUPLICATE = 1016
"""Orchestrator's error for an item whose unique reference the queue has already."""


class UipathConnector:
    """Adds queue items and starts jobs, and asks how they ended."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, *, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._http = OverHttp(resolve=resolve)
        self._apis: dict[Destination, AuthorizedApi] = {}
        self._known: dict[tuple[Destination, str], str] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Add the item, or start the job, once."""
        options = UipathOptions.model_validate(dict(delivery.options))
        try:
            content = _content_of(delivery, options)
            if options.queue is not None:
                return await self._add(delivery, options, content)
            return await self._start(delivery, options, content)
        except ValueMissing as missing:
            return Answer(AnswerKind.REFUSED, str(missing))
        except UrlInvalid as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{delivery.destination.name}] cannot be used: {error}")

    def can_inquire(self, _: Delivery) -> bool:
        """Return True: items and jobs are found by their reference."""
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look for the item or job by our key, and say how it ended."""
        options = UipathOptions.model_validate(dict(delivery.options))
        target = items_of(delivery.key) if options.queue is not None else jobs_of(delivery.key)
        found = await self._found(delivery.destination, target)
        if isinstance(found, Answer):
            return Answer(AnswerKind.UNKNOWN, found.detail, found.status)
        settings, now = _settings(delivery.destination), self._clock.now()
        if options.queue is not None:
            return outcome_of_item(delivery, options, settings, found, now=now)
        return outcome_of_job(delivery, options, settings, found, now=now)

    async def close(self) -> None:
        """Close all connections, and forget the tokens."""
        self._apis.clear()
        await self._http.close()

    async def _add(self, delivery: Delivery, options: UipathOptions, content: Mapping[str, Any]) -> Answer:
        queue = options.queue or ""
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
        if isinstance(got, Answer):
            return got
        told = json_of(got)
        if isinstance(told, Mapping) and told.get("errorCode") == DUPLICATE:
            return self._taken(options, "the queue has an item of this reference (error 1016)", got, {})
        return self._begun(options, got, told)

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
        if isinstance(got, Answer):
            return got
        jobs = (json_of(got) or {}).get("value") if 200 <= got.status < 300 else None
        answer = self._begun(options, got, jobs[0] if isinstance(jobs, list) and jobs else None)
        if answer.kind is AnswerKind.FAILED and got.status >= 500 and got.status != 503:
            return Answer(AnswerKind.UNKNOWN, f"{answer.detail}: the job may have been started", got.status)
        return answer

    def _begun(self, options: UipathOptions, got: Response, made: Any) -> Answer:
        answer = answer_of(got.status, got.headers.get("retry-after"), now=self._clock.now())
        code = made.get("errorCode") if isinstance(made, Mapping) else None
        if answer.kind is not AnswerKind.DELIVERED:
            return answer if code is None else Answer(answer.kind, f"{answer.detail} (error {code})", answer.status)
        made = made if isinstance(made, Mapping) else {}
        ids = {name: made[field] for name, field in (("id", "Id"), ("key", "Key")) if field in made}
        return self._taken(options, answer.detail, got, ids)

    def _taken(self, options: UipathOptions, detail: str, got: Response, ids: Mapping[str, Any]) -> Answer:
        if not options.wait:
            return Answer(AnswerKind.DELIVERED, detail, got.status, result=ids or None)
        return Answer(AnswerKind.WAITING, f"{detail}; waits for the robot", got.status, result=ids or None)

    async def _unfit(self, destination: Destination, queue: str) -> Answer | None:
        """Return why a queue cannot be used; one that takes a reference twice could do the work twice."""
        unique = await self._named(destination, "QueueDefinitions", queue, "EnforceUniqueReference")
        if isinstance(unique, Answer):
            return unique
        if unique != "True":
            self._known.pop((destination, f"QueueDefinitions/{queue}"), None)
            detail = f"queue {queue!r} does not enforce unique references; switch that on in Orchestrator"
            return Answer(AnswerKind.REFUSED, detail)
        return None

    async def _named(self, destination: Destination, entities: str, name: str, field: str) -> str | Answer:
        """Return a field of the entity of this name, remembered; or the answer that its lack implies."""
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
        try:
            got = await self._call(destination, "GET", target)
        except UrlInvalid as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{destination.name}] cannot be used: {error}")
        if isinstance(got, Answer):
            return got
        if got.status != 200:
            return answer_of(got.status, got.headers.get("retry-after"), now=self._clock.now())
        told = json_of(got)
        found = told.get("value") if isinstance(told, Mapping) else None
        if not isinstance(found, list):
            return Answer(AnswerKind.FAILED, "its answer is no OData list", got.status)
        return [one for one in found if isinstance(one, Mapping)]

    async def _call(self, destination: Destination, method: str, target: str, body: Any = None) -> Response | Answer:
        settings = _settings(destination)
        headers = {}
        if settings.folder is not None:
            headers["x-uipath-folderpath"] = settings.folder
        if settings.folder_id is not None:
            headers["x-uipath-organizationunitid"] = str(settings.folder_id)
        sent = b"" if body is None else json.dumps(body).encode()
        return await self._api(destination).call(method, target, body=sent, headers=headers)

    def _api(self, destination: Destination) -> AuthorizedApi:
        if destination not in self._apis:
            settings, tokens = _settings(destination), None
            if settings.token_env is not None:
                fixed = FetchedToken(settings.token_env.get_secret_value(), float("inf"))
                tokens = Tokens(lambda: _soon(fixed))
            elif settings.client_id is not None and settings.client_secret_env is not None:
                secret = settings.client_secret_env.get_secret_value()
                url = token_url_of(destination.url, settings)
                grant = ClientCredentials(url, settings.client_id, secret, settings.scope, in_body=True)
                tokens = Tokens(lambda: grant.fetch(self._http, destination))
            self._apis[destination] = AuthorizedApi(self._http, destination, tokens)
        return self._apis[destination]


async def _soon(token: FetchedToken) -> FetchedToken:
    return token


def _settings(destination: Destination) -> UipathSettings:
    return destination.settings_of("uipath", UipathSettings)


def _content_of(delivery: Delivery, options: UipathOptions) -> Mapping[str, Any]:
    """Return the content, filled in. Raises ValueMissing."""
    if options.content is None:
        return {"decision": json.dumps(delivery.data)}
    filled: Mapping[str, Any] = fill_json(options.content, values_of(delivery))
    return filled


def _flat(value: Any) -> Any:
    """Return a value as a queue item holds it: texts, numbers and flags; anything else as JSON text."""
    return value if value is None or isinstance(value, str | int | float | bool) else json.dumps(value)
