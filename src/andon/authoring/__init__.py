"""What the builder writes: declarations of a line, typed, without side effects. Nothing here reads a file or runs anything."""

from andon.authoring.actions import ActionSpec, NotTaken, Refused, action, http, python, smtp, sql, webhook
from andon.authoring.automation import Automation
from andon.authoring.errors import DeclarationInvalid
from andon.authoring.fallback import BY_REVIEW, BY_RULES, Budget
from andon.authoring.features import AGGREGATES, Feature, Request, Window, span_of
from andon.authoring.policy import Policy
from andon.authoring.review import Review
from andon.authoring.risk import MaxError
from andon.authoring.triggers import Trigger, kafka, nats

__all__ = [
    "AGGREGATES",
    "BY_REVIEW",
    "BY_RULES",
    "ActionSpec",
    "Automation",
    "Budget",
    "DeclarationInvalid",
    "Feature",
    "MaxError",
    "NotTaken",
    "Policy",
    "Refused",
    "Request",
    "Review",
    "Trigger",
    "Window",
    "action",
    "http",
    "kafka",
    "nats",
    "python",
    "smtp",
    "span_of",
    "sql",
    "webhook",
]
