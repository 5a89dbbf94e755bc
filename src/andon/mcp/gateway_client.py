"""The client of a gateway's HTTP API for both programs: few routes, a key, bounded answers, clear refusals."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from andon.mcp.errors import AndonRefused, AndonUnreachable

LARGEST_ANSWER = 16 * 1024 * 1024
"""The most bytes of one answer."""

ALLOWED, WAITING = "allowed", "waiting"
"""The states of a call that may still be made."""

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_REPEATS = 3
"""Attempts at a request that is safe to repeat."""

_PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """A governed tool call as the gateway shows it."""

    id: str
    state: str
    digest: str
    tool: str = ""
    agent: str = ""
    run: str | None = None
    reasons: tuple[str, ...] = ()
    answered_by: str | None = None
    review_id: str | None = None
    expires_at: str | None = None
    whole: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Read a call from an answer. Raises AndonUnreachable if it is not one."""
        if not all(isinstance(answer.get(name), str) for name in ("id", "state", "digest")):
            raise AndonUnreachable("The answer is not a tool call: it needs id, state and digest")
        reasons = answer.get("reasons")
        return cls(
            id=answer["id"],
            state=answer["state"],
            digest=answer["digest"],
            tool=str(answer.get("tool") or ""),
            agent=str(answer.get("agent") or ""),
            run=answer.get("run"),
            answered_by=answer.get("answered_by"),
            reasons=tuple(map(str, reasons)) if isinstance(reasons, list) else (),
            review_id=answer.get("review_id"),
            expires_at=answer.get("expires_at"),
            whole=answer,
        )


class GatewayClient:
    """A client of one gateway, with one key. `transport` replaces the network in tests."""

    def __init__(self, url: str, key: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, headers=_headers(key), timeout=_TIMEOUT, trust_env=False, transport=transport
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, path: str, *, key: str | None = None) -> Any:
        """Read a resource."""
        return await self._asked("GET", path, key=key, repeats=_REPEATS)

    async def decide(self, automation: str, given: Mapping[str, Any], *, key: str | None = None) -> Any:
        """Ask for a decision. An idempotency key makes repeats safe."""
        path = f"/v1/automations/{quoted(automation)}/decisions"
        return await self._once(path, given, key=key)

    async def call(
        self,
        toolbox: str,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        agent: str,
        run: str | None,
        key: str | None = None,
    ) -> RemoteCall:
        """Ask whether a tool may be called. An idempotency key makes repeats safe."""
        body = {"tool": tool, "arguments": arguments, "agent": agent} | ({} if run is None else {"run": run})
        return RemoteCall.of(await self._once(f"/v1/toolboxes/{quoted(toolbox)}/calls", body, key=key))

    async def find_call(self, call_id: str, *, key: str | None = None) -> RemoteCall:
        """Return a tool call with its present state."""
        return RemoteCall.of(await self.get(f"/v1/tool-calls/{quoted(call_id)}", key=key))

    async def left_open(self, toolbox: str, *, run: str | None, key: str | None = None) -> list[RemoteCall]:
        """Return the caller's own calls that wait for a person or that a person has approved, newest first."""
        path, more = f"/v1/toolboxes/{quoted(toolbox)}/calls", "" if run is None else f"&run={quoted(run)}"
        found = []
        for state in (ALLOWED, WAITING):
            page = await self.get(f"{path}?state={state}&limit=200{more}", key=key)
            found += [RemoteCall.of(one) for one in page.get("calls", ())]
        return [one for one in found if one.run == run and (one.state == WAITING or one.answered_by is not None)]

    async def begin(self, call_id: str, digest: str, *, key: str | None = None) -> None:
        """Spend the permit of a call. The request is never repeated: without a clear answer, do not make the call."""
        path = f"/v1/tool-calls/{quoted(call_id)}/begin"
        await self._asked("POST", path, {"digest": digest}, key=key, repeats=1)

    async def finish(self, call_id: str, outcome: Mapping[str, Any]) -> None:
        """Report how a call ended: `{"result": ...}` or `{"error": ...}`."""
        await self._asked("POST", f"/v1/tool-calls/{quoted(call_id)}/finish", outcome, repeats=_REPEATS)

    async def _once(self, path: str, body: Mapping[str, Any], *, key: str | None) -> Any:
        more = {"Idempotency-Key": str(uuid4())}
        return await self._asked("POST", path, body, key=key, more=more, repeats=_REPEATS)

    async def _asked(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        more: Mapping[str, str] | None = None,
        repeats: int,
    ) -> Any:
        headers = dict(more or {}) | ({} if key is None else _headers(key))
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        for left in reversed(range(repeats)):
            try:
                return await self._answer(method, path, content, headers)
            except AndonUnreachable:
                if not left:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)
        raise AndonUnreachable

    async def _answer(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> Any:
        try:
            async with self._http.stream(method, path, content=content, headers=headers) as answer:
                raw = bytearray()
                async for part in answer.aiter_bytes():
                    raw += part
                    if len(raw) > LARGEST_ANSWER:
                        raise AndonUnreachable(f"Andon's answer is larger than {LARGEST_ANSWER:,} bytes")
                status = answer.status_code
        except httpx.HTTPError as error:
            raise AndonUnreachable(f"Andon does not answer at {self._http.base_url}: {type(error).__name__}") from error
        said = _json(bytes(raw))
        if status < 300:
            return said
        if status in (429, 503):
            raise AndonUnreachable(f"Andon cannot answer now ({status}): {_words(said)}")
        raise AndonRefused(f"Andon refused ({status}): {_words(said)}", status=status)


def quoted(part: str) -> str:
    """Return a name escaped as one segment of a path."""
    return quote(part, safe="").replace(".", "%2E")


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        return {}


def _words(said: Any) -> str:
    """Return the text of a problem document, with its faults."""
    if not isinstance(said, dict):
        return "no reason was given"
    words = str(said.get("detail") or said.get("title") or "no reason was given")
    faults = [one for one in said.get("errors") or () if isinstance(one, dict)]
    named = [f"{one.get('field', '')}: {one.get('message', '')}" for one in faults]
    return "; ".join([words, *named[:20]])
