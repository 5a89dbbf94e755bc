"""Rules that pull the cord: which of them an alert meets, and which state they demand. Pure values and rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from andon.alerts.domain import severity
from andon.authoring import CordRule
from andon.cord import LineState, Segment
from andon.monitors import Level

USUAL_RULES = (CordRule("performance", level="critical", state="supervised", segment=True),)
"""The rules of an automation that declares none.

Only labels prove that a line is wrong, so drift alone pulls nothing. The risk gate narrows by itself, until nothing
is automatic, and widens by itself as well.
"""


@dataclass(frozen=True, slots=True)
class AddedRule:
    """A rule that a person added to those in the code."""

    id: UUID
    automation: str
    rule: CordRule
    added_by: str
    added_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class RulePull:
    """A pull that a rule made: the number of the change of the line's state, the alert, and the rule in words."""

    automation: str
    number: int
    segment: Segment
    alert: UUID
    rule: str
    pulled_at: datetime


@dataclass(frozen=True, slots=True)
class PullWanted:
    """A state that a rule demands for a segment or for the whole line."""

    segment: Segment
    state: LineState
    rule: CordRule


def meets(rule: CordRule, monitor: str, level: Level) -> bool:
    """Return whether an alert of this monitor and level meets a rule."""
    return rule.monitor == monitor and severity(level) >= severity(Level(rule.level))


def pulls_wanted(rules: Iterable[CordRule], monitor: str, level: Level, segment: Segment) -> Sequence[PullWanted]:
    """Return the most severe state that the rules demand, for each segment."""
    wanted: dict[bool, PullWanted] = {}
    for rule in rules:
        if meets(rule, monitor, level):
            whole = not (rule.segment and segment)
            pull = PullWanted({} if whole else segment, LineState(rule.state), rule)
            if whole not in wanted or pull.state.severity > wanted[whole].state.severity:
                wanted[whole] = pull
    return tuple(wanted.values())


def shown_rule(rule: CordRule) -> str:
    """Return a rule in words."""
    what = "the segment concerned" if rule.segment else "the whole line"
    return f"{rule.monitor} at {rule.level} makes {what} {rule.state}"
