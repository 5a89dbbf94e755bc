"""Change figures and moments as plain values for JSON, the same for API and commands. Pure.

Spans of time are in seconds.
"""

from datetime import datetime
from typing import Any

from pydantic_core import to_jsonable_python

from andon.changes.acts import confidence_sentence, split_sentence
from andon.changes.domain import LineChange
from andon.changes.figures import ChangeFigures
from andon.changes.in_force import LineAt
from andon.changes.moments import LineMoment
from andon.changes.service import ChangeAccount


def document_of_figures(one: ChangeFigures) -> dict[str, Any]:
    """Write the figures of one automation."""
    return {**_plain(one), "changes": one.changes}


def document_of_account(one: ChangeAccount) -> dict[str, Any]:
    """Write the figures of one automation with its weeks, changes and rollbacks."""
    return {
        **document_of_figures(one.figures),
        "weeks": _plain(one.weeks),
        "made": [_change(change) for change in one.changes],
        "rollbacks": [{**_plain(each), "automatic": each.automatic} for each in one.rollbacks],
    }


def document_of_moment(one: LineMoment) -> dict[str, Any]:
    """Write what was in force at a moment, and the acts around it."""
    return {**_line(one.line), "before": _plain(one.before), "after": _plain(one.after)}


def _line(line: LineAt) -> dict[str, Any]:
    release, policy, champion, split, share = line.release, line.policy, line.champion, line.split, line.audit_change
    rollout = line.rollout
    return {
        "automation": line.automation,
        "at": line.at,
        "state": line.state,
        "held": [
            {"segment": dict(one.segment), "state": one.after, **_setter(str(one.after), one.by, one.at, one.reason)}
            for one in line.states
        ],
        "release": release
        and _setter(f"version {release.version}", release.released_by, release.released_at, release.reason),
        "model": line.model,
        "policy": policy and _setter(policy.version, policy.set_by, policy.set_at, policy.reason),
        "champion": champion
        and _setter(f"{champion.name} {champion.number}", champion.set_by, champion.set_at, champion.reason),
        "shares": {str(one): percent for one, percent in line.shares.items()},
        "shadows": [str(one) for one in line.shadows],
        "arms": list(line.arms),
        "rollout": rollout
        and _setter(
            f"rollout {rollout.number}: version {rollout.candidate}",
            rollout.started_by,
            rollout.created_at,
            rollout.reason,
        ),
        "split": split and _setter(split_sentence(split), split.set_by, split.set_at, split.reason),
        "gates": [
            {
                "arm": gate.arm,
                "where": gate.where,
                "revision": gate.revision.revision,
                "threshold": gate.revision.threshold,
                **_setter(confidence_sentence(gate.revision), gate.revision.by, gate.revision.at, gate.revision.reason),
            }
            for gate in line.gates
        ],
        "audit_share": line.audit_share,
        "audit_change": share and _setter(f"{share.share:.2%}", share.by, share.at, share.reason),
    }


def _setter(what: str, by: str, at: datetime | None, reason: str) -> dict[str, Any]:
    return {"what": what, "by": by, "at": at, "reason": reason}


def _change(one: LineChange) -> dict[str, Any]:
    more = {"lead_time": one.lead_time, "failed": one.failed, "recovery_time": one.recovery_time}
    return {**_plain(one), **_plain(more)}


def _plain(one: Any) -> Any:
    """Return a value as JSON writes it: a dataclass by its fields, a span in seconds."""
    return to_jsonable_python(one, timedelta_mode="float")
