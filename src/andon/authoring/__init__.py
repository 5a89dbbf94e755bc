"""The builder's declarations of a line, typed, without side effects. Nothing here reads a file or runs anything."""

from andon.authoring.actions import (
    ActionSpec,
    NotTaken,
    Refused,
    action,
    http,
    kafka_topic,
    nats_subject,
    python,
    smtp,
    sql,
    webhook,
)
from andon.authoring.alerts import (
    OTHER_ALERTS,
    AlertLevelName,
    CordDrill,
    CordRule,
    HeldStateName,
    check_reachable,
)
from andon.authoring.audit import BlindAudit
from andon.authoring.automation import Automation
from andon.authoring.errors import DeclarationInvalid
from andon.authoring.expect import EXPECTED, Expect
from andon.authoring.fallback import BY_REVIEW, BY_RULES, Budget
from andon.authoring.features import AGGREGATES, OF_NUMBERS, Feature, Lookup, Request, Window, span_of
from andon.authoring.measures import Measure
from andon.authoring.monitors import MONITORS, Fairness, Monitors, ServiceLevel
from andon.authoring.policy import Policy
from andon.authoring.procedures import (
    BY_PROCEDURE,
    Answered,
    Compensation,
    Procedure,
    ProcedureSpec,
    Received,
    Retry,
    StepFailed,
    procedure,
    run_procedure,
)
from andon.authoring.review import Review
from andon.authoring.risk import MaxCost, MaxError, RiskBound
from andon.authoring.rollouts import (
    GUARDRAILS,
    MEAN_GUARDRAILS,
    PLANS,
    QUANTILE_GUARDRAILS,
    RATE_GUARDRAILS,
    Guardrail,
    RolloutPlan,
)
from andon.authoring.text import MEDIA_TYPE, MOST_CHARACTERS, Text
from andon.authoring.triggers import SOURCES, Trigger, files, http_events, kafka, nats, on_event, schedule, table
from andon.authoring.truth import Truth

__all__ = [
    "AGGREGATES",
    "BY_PROCEDURE",
    "BY_REVIEW",
    "BY_RULES",
    "EXPECTED",
    "GUARDRAILS",
    "MEAN_GUARDRAILS",
    "MEDIA_TYPE",
    "MONITORS",
    "MOST_CHARACTERS",
    "OF_NUMBERS",
    "OTHER_ALERTS",
    "PLANS",
    "QUANTILE_GUARDRAILS",
    "RATE_GUARDRAILS",
    "SOURCES",
    "ActionSpec",
    "AlertLevelName",
    "Answered",
    "Automation",
    "BlindAudit",
    "Budget",
    "Compensation",
    "CordDrill",
    "CordRule",
    "DeclarationInvalid",
    "Expect",
    "Fairness",
    "Feature",
    "Guardrail",
    "HeldStateName",
    "Lookup",
    "MaxCost",
    "MaxError",
    "Measure",
    "Monitors",
    "NotTaken",
    "Policy",
    "Procedure",
    "ProcedureSpec",
    "Received",
    "Refused",
    "Request",
    "Retry",
    "Review",
    "RiskBound",
    "RolloutPlan",
    "ServiceLevel",
    "StepFailed",
    "Text",
    "Trigger",
    "Truth",
    "Window",
    "action",
    "check_reachable",
    "files",
    "http",
    "http_events",
    "kafka",
    "kafka_topic",
    "nats",
    "nats_subject",
    "on_event",
    "procedure",
    "python",
    "run_procedure",
    "schedule",
    "smtp",
    "span_of",
    "sql",
    "table",
    "webhook",
]
