"""The MCP tools for agents: decide, explain, look up, ask for a tool call. None of them approves anything."""

from collections.abc import Mapping
from typing import Any

DECIDE = "decide_"
"""Prefix of the names of tools that decide; the automation's name follows."""

PAGE = 200
"""The number of tools on one page of the list."""

_READS = {"readOnlyHint": True, "openWorldHint": False}
_ASKS = {"readOnlyHint": False, "destructiveHint": False, "openWorldHint": False}

_ID = {"type": "string", "format": "uuid"}


def _tool(name: str, description: str, hints: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    return {"name": name, "description": description, "inputSchema": schema, "annotations": dict(hints)}


_NAMED = {"type": "string", "minLength": 1, "maxLength": 200}

FIXED = (
    _tool(
        "explain_decision",
        "Explain a decision: its outcome, the rule and reasons that chose it, and how certain the model was.",
        _READS,
        decision_id=_ID,
    ),
    _tool("get_decision", "Return the whole record of a decision that you may read.", _READS, decision_id=_ID),
    _tool(
        "what_is_automatic",
        "Report how good an automation is now: what it decides on its own, what is proven, and what is open.",
        _READS,
        automation=_NAMED,
    ),
    _tool("list_toolboxes", "List the toolboxes you may call, with the arguments of each tool.", _READS),
    _tool(
        "request_tool_call",
        "Ask whether a tool of a toolbox may be called with these arguments. It may be allowed, denied, or wait for a"
        " person; ask again with the same arguments to see. An allowed call that Andon delivers is carried out once.",
        _ASKS,
        toolbox=_NAMED,
        tool=_NAMED,
        arguments={"type": "object"},
    ),
    _tool("get_tool_call", "Report the state of a requested tool call.", _READS, call_id=_ID),
)


def deciding(automation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tool that decides by an automation. Its arguments follow the automation's contract."""
    name, outcomes = str(automation["name"]), ", ".join(map(str, automation.get("outcomes", [])))
    return {
        "name": f"{DECIDE}{name}",
        "description": f"Decide one case by the automation {name}. The outcome is one of: {outcomes}. It is recorded.",
        "inputSchema": {**automation["contract"], "type": "object"},
        "annotations": dict(_ASKS),
    }


def explained(decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a decision's record that explain it."""
    told = [
        "id",
        "automation",
        "automation_version",
        "decided_at",
        "status",
        "outcome",
        "rule",
        "reasons",
        "policy",
        "score",
        "label",
        "confidence",
        "certain",
        "prediction",
        "risk",
        "fallback",
        "line_state",
        "model",
        "features",
        "review",
        "error",
    ]
    return {name: decision[name] for name in told if decision.get(name) is not None}
