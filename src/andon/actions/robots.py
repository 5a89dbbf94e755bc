"""Shared parts of the connectors of robots: requests to a control room, and the meaning of its answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from andon.actions.over_http import OverHttp, answer_of
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination
from andon.actions.templates import fill_json, values_of
from andon.actions.tokens import Tokens
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.http import Response, UrlInvalid, request_of


def bearer(token: str) -> Mapping[str, str]:
    """Return the header that holds a bearer token (RFC 6750)."""
    return {"authorization": f"Bearer {token}"}


class ControlRooms:
    """JSON requests to control rooms of one kind, each with its own token. A refused token is renewed once.

    `tokens_of` returns the source of a destination's tokens, None if it needs none.
    """

    def __init__(
        self,
        tokens_of: Callable[[OverHttp, Destination], Tokens | None],
        *,
        header: Callable[[str], Mapping[str, str]] = bearer,
        resolve: Resolve = resolve,
    ) -> None:
        self._http = OverHttp(resolve=resolve)
        self._tokens_of = tokens_of
        self._tokens: dict[Destination, Tokens | None] = {}
        self._header = header

    async def call(
        self,
        destination: Destination,
        method: str,
        target: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Response | Answer:
        """Send a request once and return the whole answer; `target` is below the destination's url."""
        sent = b"" if body is None else json.dumps(body).encode()
        try:
            return await self._authorized(destination, method, target, sent, headers or {})
        except UrlInvalid as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{destination.name}] cannot be used: {error}")

    async def close(self) -> None:
        """Close all connections, and forget the tokens."""
        self._tokens.clear()
        await self._http.close()

    async def _authorized(
        self, destination: Destination, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> Response | Answer:
        if destination not in self._tokens:
            self._tokens[destination] = self._tokens_of(self._http, destination)
        tokens = self._tokens[destination]
        if tokens is None:
            return await self._send(destination, method, target, body, headers)
        token = await tokens.token()
        if isinstance(token, Answer):
            return token
        got = await self._send(destination, method, target, body, {**headers, **self._header(token)})
        if isinstance(got, Answer) or got.status != 401:
            return got
        token = await tokens.token(instead_of=token)
        if isinstance(token, Answer):
            return token
        return await self._send(destination, method, target, body, {**headers, **self._header(token)})

    async def _send(
        self, destination: Destination, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> Response | Answer:
        origin = self._http.origin(destination)
        given = {"host": origin.authority, "accept": "application/json", **headers}
        if body:
            given["content-type"] = "application/json"
        path, _, query = origin.target.partition("?")
        whole = path.rstrip("/") + target
        if query:
            whole += ("&" if "?" in target else "?") + query
        return await self._http.attempt(origin, request_of(method, whole, given, body), destination, whole=True)


def answer_to_order(
    got: Response | Answer,
    *,
    ids_in: Callable[[Any], Mapping[str, Any]],
    wait: bool,
    now: datetime,
    doubt: str | None,
) -> Answer:
    """Return the meaning of the answer to an order of work. With `wait` the delivery ends when the work does.

    A server may fail after it took the order. `doubt` is the message for that; None if the server recognises a repeat.
    """
    if isinstance(got, Answer):
        return got
    answer = answer_of(got.status, got.headers.get("retry-after"), now=now)
    if doubt is not None and answer.kind is AnswerKind.FAILED and got.status >= 500 and got.status != 503:
        return Answer(AnswerKind.UNKNOWN, f"{answer.detail}: {doubt}", got.status)
    if answer.kind is not AnswerKind.DELIVERED:
        return answer
    answer = replace(answer, result=ids_in(json_of(got)) or None)
    return replace(answer, kind=AnswerKind.WAITING, detail=f"{answer.detail}; waits until it ends") if wait else answer


def parts_of(made: Any, **names: str) -> dict[str, Any]:
    """Return some fields of a JSON object, renamed: the keywords are `ours="theirs"`. Missing fields are left out."""
    return {ours: made[theirs] for ours, theirs in names.items() if isinstance(made, Mapping) and theirs in made}


def listed(got: Response | Answer, field: str, what: str) -> list[Mapping[str, Any]] | Answer:
    """Return the objects that a response lists in a field, or an unknown answer if they cannot be read."""
    if isinstance(got, Answer):
        return Answer(AnswerKind.UNKNOWN, got.detail, got.status)
    body = json_of(got)
    found = body.get(field) if isinstance(body, Mapping) else None
    if got.status != 200 or not isinstance(found, list):
        return Answer(AnswerKind.UNKNOWN, f"{what} cannot be read: answered {got.status}", got.status)
    return [one for one in found if isinstance(one, Mapping)]


def inputs_of(delivery: Delivery, inputs: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the inputs of the work with their values; None means the decision as JSON. Raises ValueMissing."""
    if inputs is None:
        return {"decision": json.dumps(delivery.data)}
    filled: Mapping[str, Any] = fill_json(inputs, values_of(delivery))
    return filled


def json_of(response: Response) -> Any:
    """Return the body of a response as JSON, None if it is not JSON."""
    try:
        return from_json(response.body)
    except ValueError:
        return None
