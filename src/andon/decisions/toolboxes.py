"""What distinguishes a toolbox's automation: its policy's outcomes, and the tools kept with its version."""

from typing import Any

from andon.authoring import ActionSpec, Tool, Toolbox
from andon.policies import ALLOW, ASK, DENY, REVIEW, DecisionTable


def tool_outcomes_wrong(table: DecisionTable) -> str | None:
    """Return the error in the outcomes of a policy about calls of tools, or None."""
    if {ALLOW, DENY} <= set(table.outcomes) <= {ALLOW, DENY, REVIEW}:
        return None
    return (
        f"the outcomes of a toolbox's policy are [{ALLOW}, {DENY}, {ASK}] or [{ALLOW}, {DENY}]; "
        f"{table.source} has [{', '.join(table.outcomes)}]"
    )


def described_tools(box: Toolbox) -> dict[str, Any]:
    """Describe the tools of a toolbox for its version."""
    return {
        "tools": {name: _described(tool) for name, tool in box.tools.items()},
        "approval_seconds": box.approval.total_seconds(),
        **({"unlisted": True} if box.unlisted else {}),
    }


def _described(tool: Tool) -> dict[str, Any]:
    via = tool.via
    if isinstance(via, ActionSpec):
        carried: dict[str, Any] = {
            "connector": via.connector,
            "destination": via.destination,
            "options": dict(via.options),
        }
    else:
        carried = {} if via is None else {"function": via.__qualname__}
    return {"schema": tool.schema, "description": tool.description, "via": carried}
