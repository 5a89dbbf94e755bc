"""A gateway that keeps the contract of toolboxes and tool calls in memory, and channels and servers for the guard."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import rfc8785

from andon.kernel.ids import uuid7

KEY = "andon-test-key"
Message = dict[str, Any]

TOOLBOX = {
    "name": "bank-tools",
    "unlisted": False,
    "tools": [
        {"name": "refund", "description": "Pay back.", "schema": {"type": "object"}, "delivered": True},
        {"name": "block_card", "description": "Block.", "schema": {"type": "object"}, "delivered": False},
    ],
}


@dataclass
class FakeGateway:
    """Toolboxes whose policy is an outcome for each tool, one automation, and the decisions that were asked for."""

    policy: dict[str, str] = field(default_factory=dict)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    automations: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=lambda: {KEY})
    is_down: bool = False
    wrong_digest: bool = False
    begins: int = 0
    unsent: int = 0
    hook: Callable[[str], None] = str

    def transport(self) -> httpx.MockTransport:
        """Return a network on which this gateway is at every address."""

        def answer(request: httpx.Request) -> httpx.Response:
            if self.is_down:
                raise httpx.ConnectError("refused", request=request)
            body = json.loads(request.content) if request.content else None
            status, content = self.answer(request.method, request.url.raw_path.decode(), request.headers, body)
            return httpx.Response(status, json=content)

        return httpx.MockTransport(answer)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Answer on a port of loopback for programs of their own."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(raw) if raw else None
                status, content = outer.answer(self.command, self.path, self.headers, body)
                written = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(written)))
                self.end_headers()
                self.wfile.write(written)

            do_GET = do_POST = answer  # noqa: N815 - as the library names them

            def log_message(self, *arguments: object) -> None:
                """Keep quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """Answer one request as a gateway does."""
        path, _, query = url.partition("?")
        self.hook(url)
        self.requests.append((method, path, body))
        if (headers.get("authorization") or "").removeprefix("Bearer ") not in self.keys:
            return 401, _problem("Unauthenticated", "A key is needed")
        match path.split("/")[2:]:
            case ["toolboxes"]:
                return 200, {"toolboxes": [TOOLBOX]}
            case ["toolboxes", "bank-tools"]:
                return 200, TOOLBOX
            case ["toolboxes", _, "calls"] if method == "GET":
                return 200, {"calls": [one for one in self.calls.values() if one["state"] in query], "next": None}
            case ["toolboxes", name, "calls"]:
                return self._decided(name, headers, body)
            case ["tool-calls", call, *verb]:
                return self._of_call(call, *(verb or [""]), body)
            case ["automations"]:
                return 200, self.automations
            case ["automations", name, "decisions"]:
                return self._decide(name, body)
            case ["automations", name, "quality"]:
                return 200, {"automation": name, "automatic": 0.8}
            case ["decisions", identifier] if identifier in self.decisions:
                return 200, self.decisions[identifier]
        return 404, _problem("NotFound", "No such thing")

    def decide(self, call_id: str, state: str) -> None:
        """Give the verdict on a call: `allowed`, `refused` or `expired`."""
        assert self.calls[call_id]["state"] == "waiting"
        self.calls[call_id] |= {"state": state, "answered_by": "rita"}

    def states(self) -> list[str]:
        """Return the states of all calls in the order in which they were asked for."""
        return [call["state"] for call in self.calls.values()]

    def _decided(self, name: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        if name != "bank-tools":
            return 404, _problem("NotFound", f"There is no toolbox {name!r}")
        repeat = headers.get("idempotency-key") or ""
        if repeat not in self.repeats:
            outcome = self.policy.get(body["tool"], "deny")
            identifier = str(uuid7(datetime.now(UTC)))
            digest = hashlib.sha256(rfc8785.dumps(body["arguments"])).hexdigest()
            self.repeats[repeat] = identifier
            self.calls[identifier] = {
                "id": identifier,
                "toolbox": name,
                **{part: body.get(part) for part in ("tool", "agent", "run")},
                "answered_by": None,
                "asked_at": "2026-12-02T00:00:00Z",
                "state": {"allow": "allowed", "deny": "denied", "ask": "waiting"}[outcome],
                "digest": "0" * 64 if self.wrong_digest else digest,
                "outcome": outcome,
                "reasons": [] if outcome == "allow" else ["NOT_FOR_AGENTS"],
                "review_id": str(uuid7(datetime.now(UTC))) if outcome == "ask" else None,
                "expires_at": "2126-01-01T00:00:00Z",
                "result": None,
            }
        return 201, self.calls[self.repeats[repeat]]

    def _of_call(self, identifier: str, verb: str, body: Any) -> tuple[int, Any]:
        call = self.calls.get(identifier)
        if call is None:
            return 404, _problem("NotFound", "There is no such tool call")
        if verb == "begin":
            if call["state"] != "allowed" or body["digest"] != call["digest"]:
                return 409, _problem("PermitSpent", f"The call is {call['state']}")
            call["state"] = "begun"
            self.begins += 1
        elif verb == "finish":
            if call["state"] != "begun":
                return 409, _problem("CallNotBegun", f"The call is {call['state']}")
            if body.get("sent") is False:
                call["state"] = "allowed"
                self.unsent += 1
            else:
                call["state"], call["result"] = ("failed" if "error" in body else "done"), body
        return 200, call

    def _decide(self, name: str, body: Any) -> tuple[int, Any]:
        if name not in {one["name"] for one in self.automations}:
            return 404, _problem("AutomationNotFound", f"No automation {name!r} is deployed here")
        if not isinstance(body.get("amount"), int | float):
            fault = {"field": "amount", "message": "Input should be a valid number"}
            return 422, _problem("InputInvalid", "The input does not fit the contract") | {"errors": [fault]}
        identifier = str(uuid7(datetime.now(UTC)))
        found = {"id": identifier, "status": "decided", "outcome": "release", "rule": "safe", "reasons": ["LOW_SCORE"]}
        self.decisions[identifier] = found
        return 200, found


def _problem(code: str, detail: str) -> dict[str, Any]:
    return {"type": "urn:andon:problem:x", "code": code, "detail": detail}


class MemoryChannel:
    """One end of a channel in memory."""

    def __init__(self, inbox: "asyncio.Queue[Message | None]", outbox: "asyncio.Queue[Message | None]") -> None:
        self._inbox, self._outbox = inbox, outbox

    async def receive(self) -> Message | None:
        return await self._inbox.get()

    async def send(self, message: Message) -> None:
        await self._outbox.put(json.loads(json.dumps(message)))

    async def aclose(self) -> None:
        await self._outbox.put(None)


def memory_channels() -> tuple[MemoryChannel, MemoryChannel]:
    """Return both ends of a channel."""
    there, back = asyncio.Queue[Message | None](), asyncio.Queue[Message | None]()
    return MemoryChannel(there, back), MemoryChannel(back, there)


Answers = Callable[[Message], Awaitable[Message | None]]


async def serve_in_memory(channel: MemoryChannel, answer: Answers) -> None:
    """Answer what comes over a channel until it ends."""
    while (message := await channel.receive()) is not None:
        if (said := await answer(message)) is not None:
            await channel.send(said)
