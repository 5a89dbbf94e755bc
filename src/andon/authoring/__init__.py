"""The builder's declarations of a line, typed, without side effects. Nothing here reads a file or runs anything."""

from andon.authoring.actions import (
    ActionSpec,
    NotTaken,
    Refused,
    action,
    automation_anywhere,
    browser,
    http,
    kafka_topic,
    mail_flag,
    mail_forward,
    mail_move,
    mail_reply,
    nats_subject,
    power_automate,
    python,
    robocorp,
    smtp,
    sql,
    uipath_job,
    uipath_queue,
    webhook,
)
from andon.authoring.agents import AGENT_CALLER, AgentSpec, Limits, agent
from andon.authoring.alerts import (
    OTHER_ALERTS,
    AlertLevelName,
    CordDrill,
    CordRule,
    HeldStateName,
    check_reachable,
)
from andon.authoring.audit import BlindAudit
<<<<<<< HEAD
from andon.authoring.automation import RULES_ONLY, Automation
=======
from andon.authoring.automation import Automation
from andon.authoring.browsing import choose, click, expect_text, fill, go, look, read, refused_when, secret
>>>>>>> robots
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
from andon.authoring.triggers import (
    SOURCES,
    Trigger,
    files,
    folder_moves,
    http_events,
    imap,
    kafka,
    nats,
    on_event,
    schedule,
    table,
)
from andon.authoring.tools import CallKey, Tool, Toolbox, tool
from andon.authoring.truth import Truth

__all__ = [
    "AGENT_CALLER",
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
    "RULES_ONLY",
    "SOURCES",
    "ActionSpec",
    "AgentSpec",
    "AlertLevelName",
    "Answered",
    "Automation",
    "BlindAudit",
    "Budget",
    "CallKey",
    "Compensation",
    "CordDrill",
    "CordRule",
    "DeclarationInvalid",
    "Expect",
    "Fairness",
    "Feature",
    "Guardrail",
    "HeldStateName",
    "Limits",
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
    "Tool",
    "Toolbox",
    "Trigger",
    "Truth",
    "Window",
    "action",
<<<<<<< HEAD
    "agent",
=======
    "automation_anywhere",
    "browser",
>>>>>>> robots
    "check_reachable",
    "choose",
    "click",
    "expect_text",
    "files",
<<<<<<< HEAD
    "folder_moves",
=======
    "fill",
    "go",
>>>>>>> robots
    "http",
    "http_events",
    "imap",
    "kafka",
    "kafka_topic",
<<<<<<< HEAD
    "mail_flag",
    "mail_forward",
    "mail_move",
    "mail_reply",
=======
    "look",
>>>>>>> robots
    "nats",
    "nats_subject",
    "on_event",
    "power_automate",
    "procedure",
    "python",
    "read",
    "refused_when",
    "robocorp",
    "run_procedure",
    "schedule",
    "secret",
    "smtp",
    "span_of",
    "sql",
    "table",
<<<<<<< HEAD
    "tool",
=======
    "uipath_job",
    "uipath_queue",
>>>>>>> robots
    "webhook",
]
