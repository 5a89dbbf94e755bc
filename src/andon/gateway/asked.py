"""One request on the hot route, from its head to its answer."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct
from opentelemetry.trace import Span

from andon.decisions import Decision
from andon.gateway.answers import draft_of

Reply: TypeAlias = Callable[[int, str, bytes], None]
"""Takes the status, the header lines (each with its end) and the body of an answer."""

JSON = "application/json"


class Asked(Struct):
    """One request on its way to its answer. `limits` are the header lines of its rate, `out` further headers of the answer.

    `draft` is as much of the body as is known before it is recorded, and `lines` are the header lines that go with it.
    """

    name: str
    headers: Mapping[str, str]
    reply: Reply
    at: datetime
    began: int
    id: UUID
    correlation: str
    span: Span
    limits: str = ""
    out: dict[str, str] = {}
    task: asyncio.Task[None] | None = None
    draft: bytes | None = None
    lines: str = ""

    def write_ahead(self, decision: Decision) -> None:
        """Write what can be written of the answer while the decision is recorded: afterwards its caller waits for it."""
        self.draft = draft_of(decision)
        self.lines = self.among_all(f"Location: /v1/decisions/{decision.request.id}\r\nContent-Type: {JSON}\r\n")

    def among_all(self, own: str) -> str:
        """These header lines among those that every answer has."""
        return f"{self.limits}{own}X-Correlation-ID: {self.correlation}\r\n"
