"""The answers to decide requests. What is known of a decision later is in `decisions.py`."""

from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any, Literal
from uuid import UUID

from fastapi import Response
from msgspec import defstruct
from pydantic import BaseModel

from andon.decisions import Decision, DecisionRecord, Shown, seen_of_recorded, shown, texts_of
from andon.gateway.shapes import model_of
from andon.kernel.plain_json import to_json

ANSWERED = shown(Shown.ANSWER)
"""The fields of an answer."""

AnswerOut: type[BaseModel] = model_of("AnswerOut", "The answer to a decide request.", ANSWERED)
"""The answer as OpenAPI describes it."""


class PendingOut(BaseModel):
    """A request that was accepted and waits to be decided."""

    id: UUID
    status: Literal["pending"]
    location: str


class BadRowOut(BaseModel):
    """The answer to a row of a batch that could not be decided: its number, from 0, and the problem document."""

    row: int
    error: dict[str, Any]


_DRAFTED = [field for field in ANSWERED if field.of or field.record]
"""All fields but the latency, which is known only when the answer is sent."""

_drafted = texts_of(_DRAFTED, defstruct("Answer", [(field.path, Any) for field in _DRAFTED], frozen=True, gc=False))
_again = seen_of_recorded(ANSWERED)


def as_json(shape: BaseModel, *, status: int, headers: Mapping[str, str]) -> Response:
    """Return a JSON response in another shape than the usual one of its route."""
    return Response(shape.model_dump_json(), status_code=status, headers=headers, media_type="application/json")


def answer_of(decision: Decision, draft: bytes | None = None) -> bytes:
    """Return the answer in the shape of AnswerOut. `draft` is what `draft_of` returned earlier for this decision."""
    milliseconds = (perf_counter_ns() - decision.request.began_ns) / 1e6
    return b'%b,"latency_ms":%.3f}' % (draft_of(decision) if draft is None else draft, milliseconds)


def draft_of(decision: Decision) -> bytes:
    """Return the answer without its latency and its last brace."""
    return to_json(_drafted(decision))[:-1]


def answer_of_record(record: DecisionRecord) -> bytes:
    """Return the answer again, from the record in the ledger."""
    return to_json(_again(record.row, record.record))
