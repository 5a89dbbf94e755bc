"""Change figures and moments as plain values for JSON, the same for API and commands. Pure.

Spans of time are in seconds.
"""

from typing import Any

from pydantic_core import to_jsonable_python

from andon.changes.domain import LineChange
from andon.changes.figures import ChangeFigures
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
    return {**_plain(one.line), "before": _plain(one.before), "after": _plain(one.after)}


def _change(one: LineChange) -> dict[str, Any]:
    more = {"lead_time": one.lead_time, "failed": one.failed, "recovery_time": one.recovery_time}
    return {**_plain(one), **_plain(more)}


def _plain(one: Any) -> Any:
    """Return a value as JSON writes it: a dataclass by its fields, a span in seconds."""
    return to_jsonable_python(one, timedelta_mode="float")
