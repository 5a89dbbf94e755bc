"""Alerts and incidents: bad news reported once, and the cord that pulls itself.

Start reading at `domain.py` (an alert), then `raising.py` (its beginning and end) and `pulling.py` (how rules respond
to it).
"""

from andon.alerts.bad_news import ROLLOUT
from andon.alerts.domain import Alert, AlertFinding, AlertGroup, AlertKey, AlertState, BadNews, shown_segment
from andon.alerts.drilling import advance_drills, begin_drill, begin_due_drills, get_drill, list_drills
from andon.alerts.drills import Drill, drill_segment
from andon.alerts.errors import (
    AlertNotFound,
    AlertResolvedAlready,
    ChecklistOpen,
    CordRuleInvalid,
    CordRuleNotFound,
    DrillNotFound,
    DrillUnderWay,
    IncidentEnded,
    IncidentNotFound,
    IncidentUnderWay,
    SilenceInvalid,
    SilenceNotFound,
)
from andon.alerts.incidents import Incident, Note, NoteKind
from andon.alerts.messages import decisions_of, decisions_path, shown_alert, shown_finding, sure
from andon.alerts.published import AlertRaised, AlertResolved
from andon.alerts.pulling import declared, rules_of
from andon.alerts.raising import hold, raise_alert, recover
from andon.alerts.rules import USUAL_RULES, AddedRule, RulePull, shown_rule
from andon.alerts.ruling import add_rule, added_rules, pulls_of, release, remove_rule
from andon.alerts.sending import AlertRoute, send_again, send_due, waiting_sql
from andon.alerts.service import (
    UNRESOLVED,
    acknowledge,
    at_moment,
    count_open,
    end_silence,
    get,
    get_silence,
    list_silences,
    notes_of,
    page,
    resolve,
    silence,
    silenced,
)
from andon.alerts.silences import Silence, Silenced
from andon.alerts.store.alerts import AlertSelection
from andon.alerts.subscribing import subscribe
from andon.alerts.working import comment, end, get_incident, list_incidents, notes_of_incident, open_by_hand, own

__all__ = [
    "ROLLOUT",
    "UNRESOLVED",
    "USUAL_RULES",
    "AddedRule",
    "Alert",
    "AlertFinding",
    "AlertGroup",
    "AlertKey",
    "AlertNotFound",
    "AlertRaised",
    "AlertResolved",
    "AlertResolvedAlready",
    "AlertRoute",
    "AlertSelection",
    "AlertState",
    "BadNews",
    "ChecklistOpen",
    "CordRuleInvalid",
    "CordRuleNotFound",
    "Drill",
    "DrillNotFound",
    "DrillUnderWay",
    "Incident",
    "IncidentEnded",
    "IncidentNotFound",
    "IncidentUnderWay",
    "Note",
    "NoteKind",
    "RulePull",
    "Silence",
    "SilenceInvalid",
    "SilenceNotFound",
    "Silenced",
    "acknowledge",
    "add_rule",
    "added_rules",
    "advance_drills",
    "at_moment",
    "begin_drill",
    "begin_due_drills",
    "comment",
    "count_open",
    "decisions_of",
    "decisions_path",
    "declared",
    "drill_segment",
    "end",
    "end_silence",
    "get",
    "get_drill",
    "get_incident",
    "get_silence",
    "hold",
    "list_drills",
    "list_incidents",
    "list_silences",
    "notes_of",
    "notes_of_incident",
    "open_by_hand",
    "own",
    "page",
    "pulls_of",
    "raise_alert",
    "recover",
    "release",
    "remove_rule",
    "resolve",
    "rules_of",
    "send_again",
    "send_due",
    "shown_alert",
    "shown_finding",
    "shown_rule",
    "shown_segment",
    "silence",
    "silenced",
    "subscribe",
    "sure",
    "waiting_sql",
]
