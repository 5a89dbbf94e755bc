"""Work items of Robocorp, each with our key in its payload, by which it is found again.

A robot releases an item as failed by a `BUSINESS` or an `APPLICATION` exception: the first is for good, after the
second another item is made. With a `file://` url an item is a file in the form that the file adapter of
`robocorp-workitems` reads, one for each key.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from andon.actions import (
    AuthorizedApi,
    FetchedToken,
    OverHttp,
    Tokens,
    ValueMissing,
    answer_of,
    fill_json,
    json_of,
    not_found,
    still_working,
    values_of,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.robocorp.settings import RobocorpSettings, WorkItemOptions
from andon.kernel import files
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import Response, UrlInvalid

KEY = "andon_key"
"""The part of the payload that holds the delivery's key."""

PAGE = 20
SEARCHED = 1000
"""The number of a process's newest items among which one is looked for, so many a request."""


class RobocorpConnector:
    """Makes work items, and asks how they ended."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, *, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._http = OverHttp(resolve=resolve)
        self._apis: dict[Destination, AuthorizedApi] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Make the item once."""
        options = _options(delivery)
        try:
            payload = _payload_of(delivery, options)
        except ValueMissing as missing:
            return Answer(AnswerKind.REFUSED, str(missing))
        folder = _folder(delivery.destination)
        if folder is not None:
            return await asyncio.to_thread(_write, folder / options.process / f"{delivery.key}.json", payload)
        item = {"process": {"id": options.process}, "payload": payload}
        got = await self._call(delivery.destination, "POST", "/work-items", item)
        if isinstance(got, Answer):
            return got
        answer = answer_of(got.status, got.headers.get("retry-after"), now=self._clock.now())
        if answer.kind is AnswerKind.FAILED and got.status >= 500 and got.status != 503:
            return Answer(AnswerKind.UNKNOWN, f"{answer.detail}: the item may have been made", got.status)
        if answer.kind is not AnswerKind.DELIVERED:
            return answer
        made = json_of(got)
        result = {"item": made["id"]} if isinstance(made, Mapping) and "id" in made else None
        if not options.wait:
            return Answer(AnswerKind.DELIVERED, answer.detail, got.status, result=result)
        return Answer(AnswerKind.WAITING, f"{answer.detail}; waits for the robot", got.status, result=result)

    def can_inquire(self, _: Delivery) -> bool:
        """Return True: items are found by our key in their payload, files by their name."""
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look for the item by our key, and say how it ended."""
        options, settings, now = _options(delivery), _settings(delivery.destination), self._clock.now()
        folder = _folder(delivery.destination)
        if folder is not None:
            file = folder / options.process / f"{delivery.key}.json"
            if await asyncio.to_thread(file.exists):
                return Answer(AnswerKind.DELIVERED, "the file is there")
            return Answer(AnswerKind.FAILED, "there is no such file")
        found = await self._find(delivery, options)
        if isinstance(found, Answer):
            return Answer(AnswerKind.UNKNOWN, found.detail, found.status, final=found.final)
        if found is None:
            detail = "no item has this key"
            return not_found(delivery, detail, now=now, settle_seconds=settings.settle_seconds)
        state, result = str(found.get("state")).lower(), {"item": found.get("id")}
        if state == "completed" or (not options.wait and state != "failed"):
            return Answer(AnswerKind.DELIVERED, f"the item is {state}", result=result)
        if state == "failed":
            return _failure(found, result)
        return still_working(delivery, f"the item is {state}", now=now, poll_seconds=settings.poll_seconds)

    async def close(self) -> None:
        """Close all connections."""
        self._apis.clear()
        await self._http.close()

    async def _find(self, delivery: Delivery, options: WorkItemOptions) -> Mapping[str, Any] | Answer | None:
        """Return the newest item with our key: by its id if that is known, else among the newest of the process."""
        known = delivery.sent_result.get("item")
        if isinstance(known, str) and known.replace("-", "").isalnum():
            got = await self._call(delivery.destination, "GET", f"/work-items/{known}")
            if isinstance(got, Response) and got.status == 200:
                item = json_of(got)
                return item if isinstance(item, Mapping) else None
        query = f"process_id={options.process}&include_data=true&limit={PAGE}"
        for _ in range(SEARCHED // PAGE):
            page = await self._page(delivery.destination, query)
            if isinstance(page, Answer):
                return page
            for item in page["data"]:
                if isinstance(item, Mapping) and _key_of(item) == str(delivery.key):
                    return item
            if not page.get("next"):
                return None
            query = urlsplit(str(page["next"])).query
        return Answer(
            AnswerKind.UNKNOWN, f"it is not among the newest {SEARCHED} items, and there are more", final=True
        )

    async def _page(self, destination: Destination, query: str) -> Mapping[str, Any] | Answer:
        got = await self._call(destination, "GET", f"/work-items?{query}")
        if isinstance(got, Answer):
            return got
        told = json_of(got)
        if got.status != 200 or not isinstance(told, Mapping) or not isinstance(told.get("data"), list):
            return Answer(AnswerKind.UNKNOWN, f"items cannot be read: answered {got.status}", got.status)
        return told

    async def _call(self, destination: Destination, method: str, target: str, body: Any = None) -> Response | Answer:
        settings = _settings(destination)
        sent = b"" if body is None else json.dumps(body).encode()
        whole = f"/workspaces/{settings.workspace}{target}"
        try:
            return await self._api(destination).call(method, whole, body=sent)
        except UrlInvalid as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{destination.name}] cannot be used: {error}")

    def _api(self, destination: Destination) -> AuthorizedApi:
        if destination not in self._apis:
            settings = _settings(destination)
            key = "" if settings.api_key_env is None else settings.api_key_env.get_secret_value()
            tokens = Tokens(lambda: _fixed(key))
            header = lambda token: {"authorization": f"RC-WSKEY {token}"}  # noqa: E731 - as short as it is
            self._apis[destination] = AuthorizedApi(self._http, destination, tokens, header=header)
        return self._apis[destination]


async def _fixed(key: str) -> FetchedToken:
    return FetchedToken(key, float("inf"))


def _failure(found: Mapping[str, Any], result: Mapping[str, Any]) -> Answer:
    why = found.get("exception")
    why = why if isinstance(why, Mapping) else {}
    words = f"{why.get('code') or ''!s} {why.get('message') or 'no message'!s}".strip()[:300]
    if str(why.get("type")).upper() == "BUSINESS":
        return Answer(AnswerKind.REFUSED, f"the robot released it by a business exception: {words}", result=result)
    return Answer(AnswerKind.FAILED, f"the robot released it by an application exception: {words}", result=result)


def _key_of(item: Mapping[str, Any]) -> Any:
    payload = item.get("payload")
    return payload.get(KEY) if isinstance(payload, Mapping) else None


def _options(delivery: Delivery) -> WorkItemOptions:
    return WorkItemOptions.model_validate(dict(delivery.options))


def _settings(destination: Destination) -> RobocorpSettings:
    return destination.settings_of("robocorp", RobocorpSettings)


def _payload_of(delivery: Delivery, options: WorkItemOptions) -> dict[str, Any]:
    """Return the payload, filled in, with our key. Raises ValueMissing."""
    values = values_of(delivery)
    payload = dict(delivery.data) if options.payload is None else dict(fill_json(options.payload, values))
    return payload | {KEY: str(delivery.key)}


def _folder(destination: Destination) -> Path | None:
    parts = urlsplit(destination.url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _write(file: Path, payload: Mapping[str, Any]) -> Answer:
    """Write the queue of one item, unless it is there: whole or not at all."""
    if file.exists():
        return Answer(AnswerKind.DELIVERED, "the file is there already")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        files.replace(file, json.dumps([{"payload": payload, "files": {}}], indent=2))
    except OSError as error:
        return Answer(AnswerKind.FAILED, f"the file cannot be written ({type(error).__name__})")
    return Answer(AnswerKind.DELIVERED, "the file was written", result={"file": file.name})
