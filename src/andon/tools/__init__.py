"""Tools: each call of an agent is a decision, and this is its permit: who may carry it out, once, with which arguments.

The decision itself is `decisions`' matter, a person's approval `reviews`'. Start reading at `domain.py`.
"""

from andon.tools.domain import CallState, ToolCall, check_arguments, decided, digest_of
from andon.tools.errors import (
    CallNotBegun,
    OwnApproval,
    PermitUnusable,
    ToolboxNotFound,
    ToolCallInvalid,
    ToolCallNotFound,
)
from andon.tools.service import (
    arguments_of,
    begin,
    counts,
    expire_due,
    finish,
    get,
    note,
    page,
    require_other,
    review_of,
    subscribe,
)

__all__ = [
    "CallNotBegun",
    "CallState",
    "OwnApproval",
    "PermitUnusable",
    "ToolCall",
    "ToolCallInvalid",
    "ToolCallNotFound",
    "ToolboxNotFound",
    "arguments_of",
    "begin",
    "check_arguments",
    "counts",
    "decided",
    "digest_of",
    "expire_due",
    "finish",
    "get",
    "note",
    "page",
    "require_other",
    "review_of",
    "subscribe",
]
