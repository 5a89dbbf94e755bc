"""The cord that pulls itself: the rules of an automation, and how they respond to an alert."""

from collections.abc import Sequence
from datetime import datetime

from andon import cord, decisions
from andon.alerts.domain import Alert, BadNews, shown_segment
from andon.alerts.drills import drill_segment
from andon.alerts.rules import USUAL_RULES, PullWanted, RulePull, pulls_wanted, shown_rule
from andon.alerts.store import rules as store
from andon.authoring import CordRule
from andon.cord import CordInvalid, LineState, Segment
from andon.decisions import DeclaredCord
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM

_ROOM = 300
"""The most characters of an alert's message in the reason of a pull."""


def declared(tx: Tx, automation: str) -> DeclaredCord:
    """Return the declarations about the cord of the version in force; none if the automation was never deployed."""
    version = decisions.version_in_force(tx, automation)
    return DeclaredCord() if version is None else decisions.declared_cord(version.description)


def rules_of(tx: Tx, automation: str) -> Sequence[CordRule]:
    """Return every rule of an automation: the declared or default ones, and those that people added."""
    own = declared(tx, automation).rules
    return (*(USUAL_RULES if own is None else own), *(one.rule for one in store.added(tx, automation)))


def pull_by_rules(tx: Tx, alert: Alert, news: BadNews, *, joined: bool, events: Events, now: datetime) -> Sequence[str]:
    """Apply the rules to news of an alert where they make the line more careful; return what was done, in sentences.

    `joined`: the news is a further finding, so that nothing is said where nothing had to be done. Hold the cord first.
    """
    if not alert.automation:
        return ()
    segment = _known_segment(tx, alert)
    wanted = pulls_wanted(rules_of(tx, alert.automation), alert.monitor, news.level, segment)
    if alert.drill is not None:
        wanted = _in_drill(wanted, alert)
    done = [_pull(tx, alert, news, one, events, now) for one in wanted]
    return [text for text, pulled in done if pulled or not joined]


def _pull(tx: Tx, alert: Alert, news: BadNews, wanted: PullWanted, events: Events, now: datetime) -> tuple[str, bool]:
    what, rule = shown_segment(wanted.segment) or "the line", shown_rule(wanted.rule)
    standing = max(_states(tx, alert.automation, wanted.segment), key=lambda state: state.severity)
    if standing.severity >= wanted.state.severity:
        return f"Nothing had to be done: {what} was {standing} already (rule: {rule})", False
    drill = "" if alert.drill is None else "Drill, nothing is wrong. "
    change = cord.pull(
        tx,
        alert.automation,
        state=wanted.state,
        segment=wanted.segment,
        actor=PLATFORM,
        reason=f"{drill}Rule {rule}. {_plain(news.message)}",
        events=events,
        now=now,
    )
    store.add_pull(tx, RulePull(alert.automation, change.number, change.segment, alert.id, rule, now))
    return f"The cord was pulled: {what} is {wanted.state} (rule: {rule})", True


def _states(tx: Tx, automation: str, segment: Segment) -> Sequence[LineState]:
    return cord.state_of(tx, automation, segment), cord.state_of(tx, automation, {})


def _known_segment(tx: Tx, alert: Alert) -> Segment:
    """Return the segment of an alert; the whole line if the contract cannot identify the inputs."""
    version = decisions.version_in_force(tx, alert.automation)
    if not alert.segment or version is None:
        return {}
    try:
        return cord.segment_of(alert.segment, version.description["contract"])
    except CordInvalid:
        return {}


def _in_drill(wanted: Sequence[PullWanted], alert: Alert) -> Sequence[PullWanted]:
    """Return the most severe of the pulls, applied to a segment that no input belongs to."""
    assert alert.drill is not None  # noqa: S101 - asked before
    most = sorted(wanted, key=lambda one: one.state.severity)[-1:]
    return [PullWanted(drill_segment(alert.drill), one.state, one.rule) for one in most]


def _plain(message: str) -> str:
    """Return a message in a form allowed in a reason."""
    text = message[:_ROOM]
    return text if not reasons.faults_of(text) else "See the alert."
