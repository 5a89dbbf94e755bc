"""Actions: what a decision sets off outside, carried out after it, at least once, under one key.

Decisions write actions to the outbox; `Deliveries` carries them out through connectors (`ports`); the rest is for the
people who look after what could not be delivered. Start reading at `domain.py`.
"""

from andon.actions.deliveries import Deliveries, Observer
from andon.actions.domain import Action, ActionState, Answer, AnswerKind, Attempt, BreakerState, Disabled
from andon.actions.errors import (
    ActionNotDead,
    ActionNotFound,
    DestinationDisabled,
    DestinationNotDisabled,
    ReasonMissing,
)
from andon.actions.ports import Connector, Delivery, Destination
from andon.actions.service import (
    attempts,
    dead_letters,
    disable_destination,
    disabled_destinations,
    enable_destination,
    get,
    of_decision,
    page,
    resend,
    resend_all,
)

__all__ = [
    "Action",
    "ActionNotDead",
    "ActionNotFound",
    "ActionState",
    "Answer",
    "AnswerKind",
    "Attempt",
    "BreakerState",
    "Connector",
    "Deliveries",
    "Delivery",
    "Destination",
    "DestinationDisabled",
    "DestinationNotDisabled",
    "Disabled",
    "Observer",
    "ReasonMissing",
    "attempts",
    "dead_letters",
    "disable_destination",
    "disabled_destinations",
    "enable_destination",
    "get",
    "of_decision",
    "page",
    "resend",
    "resend_all",
]
