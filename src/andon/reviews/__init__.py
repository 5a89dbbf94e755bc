"""Reviews: where decisions that are not automatic wait for a person, and what follows the person's verdict.

A verdict is one transaction: the review, the audit entry, the action of the chosen outcome, and whatever subscribes to
`VerdictGiven` (labels). Start reading at `domain.py`.
"""

from andon.reviews.domain import (
    CLAIM,
    AuditCounts,
    Backlog,
    Claim,
    ReviewFilter,
    ReviewPace,
    ReviewState,
    ReviewTask,
    Verdict,
)
from andon.reviews.errors import ReviewDecided, ReviewHeld, ReviewNotClaimed, ReviewNotFound, VerdictInvalid
from andon.reviews.published import BlindAuditDecided, QuestionAnswered, VerdictGiven
from andon.reviews.service import (
    OPENED_AT_ONCE,
    ask,
    audit_counts,
    backlogs,
    cases_of,
    claim,
    count,
    decision_of,
    find_question,
    get,
    give_verdict,
    of_decision,
    open_due,
    pace,
    page,
    place_of,
    release,
)

__all__ = [
    "CLAIM",
    "OPENED_AT_ONCE",
    "AuditCounts",
    "Backlog",
    "BlindAuditDecided",
    "Claim",
    "QuestionAnswered",
    "ReviewDecided",
    "ReviewFilter",
    "ReviewHeld",
    "ReviewNotClaimed",
    "ReviewNotFound",
    "ReviewPace",
    "ReviewState",
    "ReviewTask",
    "Verdict",
    "VerdictGiven",
    "VerdictInvalid",
    "ask",
    "audit_counts",
    "backlogs",
    "cases_of",
    "claim",
    "count",
    "decision_of",
    "find_question",
    "get",
    "give_verdict",
    "of_decision",
    "open_due",
    "pace",
    "page",
    "place_of",
    "release",
]
