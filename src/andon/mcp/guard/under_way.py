"""Tool calls that the guard has taken from its client and not answered yet."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from andon.mcp.jsonrpc import Message

Mark: TypeAlias = tuple[str, str]
"""A tool and the digest of its arguments."""


class CallStage(StrEnum):
    """The stage of a call. From `forwarded` on, the server may have carried it out."""

    DECIDING = "deciding"
    BEGINNING = "beginning"
    FORWARDED = "forwarded"


@dataclass(eq=False)
class CallUnderWay:
    """A tool call under way. `answer` is the server's response; None if it will not be known."""

    answer: asyncio.Future[Message | None]
    stage: CallStage = CallStage.DECIDING
    cancelled: bool = False
    work: asyncio.Task[None] | None = field(default=None)
