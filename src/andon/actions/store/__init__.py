"""All SQL of actions beyond the outbox itself: deliveries and disabled destinations, and the evidence of scripts."""

from andon.actions.store.asking import take_unasked
from andon.actions.store.deliveries import (
    PostboxEntry,
    attempts_of,
    bury,
    disable,
    disabled,
    enable,
    gone,
    last_attempts,
    states_of,
    unexplained,
    vouch,
    without_message,
    write,
)
from andon.actions.store.evidence import (
    begin_step,
    committed_at,
    evidence_of,
    forget_pictures,
    keep_step,
    picture_of,
)

__all__ = [
    "PostboxEntry",
    "attempts_of",
    "begin_step",
    "bury",
    "committed_at",
    "disable",
    "disabled",
    "enable",
    "evidence_of",
    "forget_pictures",
    "gone",
    "keep_step",
    "last_attempts",
    "picture_of",
    "states_of",
    "take_unasked",
    "unexplained",
    "vouch",
    "without_message",
    "write",
]
