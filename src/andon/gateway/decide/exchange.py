"""Exchange: one request to the decide route, from its head to its answer."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from opentelemetry.trace import Span

from andon.decisions import Decision
from andon.gateway.answers import draft_of
from andon.wire import Reply

JSON = "application/json"


class Exchange(Struct):
    """One request and what is known of its answer.

    `rate_lines` are the header lines of the rate limit, `out` further headers. `draft` is the part of the body that is
    written before the decision is recorded, and `draft_lines` are its header lines. `task` runs a slow request.
    """

    name: str
    headers: Mapping[str, str]
    reply: Reply
    at: datetime
    began: int
    id: UUID
    correlation: str
    span: Span
    rate_lines: str = ""
    out: dict[str, str] = {}
    task: asyncio.Task[None] | None = None
    draft: bytes | None = None
    draft_lines: str = ""

    def write_ahead(self, decision: Decision) -> None:
        """Write most of the answer while the decision is recorded, so that the caller does not wait for that part."""
        self.draft = draft_of(decision)
        self.draft_lines = self.with_common(
            f"Location: /v1/decisions/{decision.request.id}\r\nContent-Type: {JSON}\r\n"
        )

    def with_common(self, own: str) -> str:
        """Return header lines together with those that every answer has."""
        return f"{self.rate_lines}{own}X-Correlation-ID: {self.correlation}\r\n"
