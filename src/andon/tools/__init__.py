"""Tool calls of agents and their permits. A permit allows one caller to carry out one call with these arguments, once.

Each call is a decision, which `decisions` makes; `reviews` handles approvals by people. Start reading at `domain.py`.
"""

from andon.tools.approving import require_other
from andon.tools.domain import CallState, ToolCall, check_arguments, digest_of
from andon.tools.errors import (
    CallNotBegun,
    OwnApproval,
    PermitUnusable,
    ToolboxNotFound,
    ToolCallInvalid,
    ToolCallNotFound,
)
from andon.tools.losing import lose_due
from andon.tools.service import (
    arguments_of,
    begin,
    counts,
    decided_call,
    expire_due,
    find,
    finish,
    get,
    held_back,
    note,
    page,
    question_of,
    recorded_call,
    review_of,
    run_of,
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
    "decided_call",
    "digest_of",
    "expire_due",
    "find",
    "finish",
    "get",
    "held_back",
    "lose_due",
    "note",
    "page",
    "question_of",
    "recorded_call",
    "require_other",
    "review_of",
    "run_of",
    "subscribe",
]
