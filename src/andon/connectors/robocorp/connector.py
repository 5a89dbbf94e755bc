"""Work items of Robocorp. Each holds the delivery's key in its payload, by which it is found again.

A robot releases a failed item with a `BUSINESS` or an `APPLICATION` exception. The first is final; after the second,
another item is made. With a `file://` url, each item is a file, in the form that the file adapter of
`robocorp-workitems` reads.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from andon.actions import (
    ControlRooms,
    OverHttp,
    Tokens,
    ValueMissing,
    answer_to_order,
    fill_json,
    fixed_token,
    json_of,
    listed,
    not_found,
    parts_of,
    still_working,
    values_of,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.robocorp.settings import RobocorpSettings, WorkItemOptions
from andon.kernel import files
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import Response

KEY = "andon_key"
"""The payload's field with the delivery's key."""

PAGE = 20
SEARCHED = 1000
"""How many of a process's newest items are searched, and how many are listed per request."""


class RobocorpConnector:
    """Makes work items, and asks how they ended."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, *, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._rooms = ControlRooms(
            _tokens_of, header=lambda token: {"authorization": f"RC-WSKEY {token}"}, resolve=resolve
        )

    async def deliver(self, delivery: Delivery) -> Answer:
        """Make the item once."""
        options = _options(delivery)
        try:
            payload = _payload_of(delivery, options)
        except ValueMissing as missing:
            return Answer(AnswerKind.REFUSED, str(missing))
        folder = _folder(delivery.destination)
        if isinstance(folder, Answer):
            return folder
        if folder is not None:
            return await asyncio.to_thread(_write, folder / options.process / f"{delivery.key}.json", payload)
        item = {"process": {"id": options.process}, "payload": payload}
        return answer_to_order(
            await self._call(delivery.destination, "POST", "/work-items", item),
            ids_in=lambda made: parts_of(made, item="id"),
            wait=options.wait,
            now=self._clock.now(),
            doubt="the item may have been made",
        )

    def can_inquire(self, _: Delivery) -> bool:
        """Return True: items are found by the key in their payload, files by their name."""
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look for the item by the delivery's key, and return how it ended."""
        options, settings, now = _options(delivery), _settings(delivery.destination), self._clock.now()
        folder = _folder(delivery.destination)
        if isinstance(folder, Answer):
            return replace(folder, kind=AnswerKind.UNKNOWN)
        if folder is not None:
            file = folder / options.process / f"{delivery.key}.json"
            if await asyncio.to_thread(file.exists):
                return Answer(AnswerKind.DELIVERED, "the file is there")
            return Answer(AnswerKind.FAILED, "there is no such file")
        found = await self._find(delivery, options)
        if isinstance(found, Answer):
            return found
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
        """Close all connections, and forget the tokens."""
        await self._rooms.close()

    async def _find(self, delivery: Delivery, options: WorkItemOptions) -> Mapping[str, Any] | Answer | None:
        """Return the newest item with the key: by its id if known, else among the newest of the process."""
        known = delivery.sent_result.get("item")
        if isinstance(known, str) and known.replace("-", "").isalnum():
            got = await self._call(delivery.destination, "GET", f"/work-items/{known}")
            if isinstance(got, Response) and got.status == 200:
                item = json_of(got)
                if isinstance(item, Mapping):
                    return item
        query = f"process_id={options.process}&include_data=true&limit={PAGE}"
        for _ in range(SEARCHED // PAGE):
            page = await self._call(delivery.destination, "GET", f"/work-items?{query}")
            items = listed(page, "data", "items")
            if isinstance(items, Answer):
                return items
            for item in items:
                if _key_of(item) == str(delivery.key):
                    return item
            following = json_of(page).get("next") if isinstance(page, Response) else None
            if not following:
                return None
            query = urlsplit(str(following)).query
        return Answer(
            AnswerKind.UNKNOWN, f"it is not among the newest {SEARCHED} items, and there are more", final=True
        )

    async def _call(self, destination: Destination, method: str, target: str, body: Any = None) -> Response | Answer:
        whole = f"/workspaces/{_settings(destination).workspace}{target}"
        return await self._rooms.call(destination, method, whole, body)


def _tokens_of(_: OverHttp, destination: Destination) -> Tokens:
    key = _settings(destination).api_key_env
    return fixed_token("" if key is None else key.get_secret_value())


def _failure(found: Mapping[str, Any], result: Mapping[str, Any]) -> Answer:
    why = found.get("exception")
    why = why if isinstance(why, Mapping) else {}
    words = f"{why.get('code') or ''!s} {why.get('message') or 'no message'!s}".strip()[:300]
    if str(why.get("type")).upper() == "BUSINESS":
        return Answer(AnswerKind.REFUSED, f"the robot released it with a business exception: {words}", result=result)
    return Answer(AnswerKind.FAILED, f"the robot released it with an application exception: {words}", result=result)


def _key_of(item: Mapping[str, Any]) -> Any:
    payload = item.get("payload")
    return payload.get(KEY) if isinstance(payload, Mapping) else None


def _options(delivery: Delivery) -> WorkItemOptions:
    return WorkItemOptions.model_validate(dict(delivery.options))


def _settings(destination: Destination) -> RobocorpSettings:
    return destination.settings_of("robocorp", RobocorpSettings)


def _payload_of(delivery: Delivery, options: WorkItemOptions) -> dict[str, Any]:
    """Return the payload with its values and the delivery's key. Raises ValueMissing."""
    values = values_of(delivery)
    payload = dict(delivery.data) if options.payload is None else dict(fill_json(options.payload, values))
    return payload | {KEY: str(delivery.key)}


def _folder(destination: Destination) -> Path | Answer | None:
    """Return the folder of a `file:///` url, an answer if the url names none, or None for another url."""
    parts = urlsplit(destination.url)
    if parts.scheme != "file":
        return None
    folder = Path(unquote(parts.path))
    if parts.netloc or not folder.is_absolute():
        detail = f"[destinations.{destination.name}] cannot be used: expected a url of the form file:///FOLDER"
        return Answer(AnswerKind.REFUSED, detail)
    return folder


def _write(file: Path, payload: Mapping[str, Any]) -> Answer:
    """Write the file of one item, whole or not at all, unless it exists."""
    if file.exists():
        return Answer(AnswerKind.DELIVERED, "the file already exists")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        files.replace(file, json.dumps([{"payload": payload, "files": {}}], indent=2))
    except OSError as error:
        return Answer(AnswerKind.FAILED, f"the file cannot be written ({type(error).__name__})")
    return Answer(AnswerKind.DELIVERED, "the file was written", result={"file": file.name})
