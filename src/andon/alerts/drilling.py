"""Running drills: a made-up alert takes the usual path, until every running process holds the cord that it pulls."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from andon import audit, cord, decisions, live
from andon.alerts import raising
from andon.alerts.domain import AlertKey, BadNews
from andon.alerts.drills import Drill, DrillOutcome, drill_segment, judge
from andon.alerts.errors import DrillNotFound, DrillUnderWay
from andon.alerts.pulling import declared, rules_of
from andon.alerts.store import drills as store
from andon.alerts.store import rules as rule_store
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor
from andon.kernel.ids import uuid7
from andon.monitors import Level

NO_MONITOR = "drill"
_MESSAGE = "Drill: this alert is made up, nothing is wrong"


def list_drills(tx: Tx, automation: str, *, limit: int = 50) -> Sequence[Drill]:
    """Return the drills of an automation, newest first. Raises AutomationNotFound."""
    decisions.require_deployed(tx, automation)
    return store.page(tx, automation, limit=limit)


def get_drill(tx: Tx, drill_id: UUID) -> Drill:
    """Return one drill. Raises DrillNotFound."""
    found = store.find(tx, drill_id)
    if found is None:
        raise DrillNotFound(f"No drill {drill_id}")
    return found


def begin_drill(tx: Tx, automation: str, *, actor: Actor, reason: str, events: Events, now: datetime) -> Drill:
    """Raise the alert of a drill, whose rule pulls a cord in this transaction.

    It meets the first rule of the automation. Without a rule, the drill fails immediately. Raises AutomationNotFound,
    DrillUnderWay, ReasonInvalid.
    """
    why = reasons.require(reason)
    decisions.require_deployed(tx, automation)
    raising.hold(tx, [automation])
    drill = Drill(uuid7(now), automation, actor.name, why, began_at=now)
    if not store.add(tx, drill):
        raise DrillUnderWay(f"A drill of {automation} is under way")
    rules = rules_of(tx, automation)
    monitor = rules[0].monitor if rules else NO_MONITOR
    raising.raise_alert(tx, _news(drill, monitor, Level.CRITICAL, now), events=events, now=now)
    audit.record(
        tx,
        actor=actor,
        action="cord.drill",
        subject=f"automation:{automation}",
        at=now,
        reason=why,
        after={"drill": str(drill.id), "monitor": monitor},
    )
    if rule_store.standing_pulls(tx, automation, drill_segment(drill.id)):
        return store.change(tx, drill.id, pulled_at=now)
    outcome = DrillOutcome(False, "No rule of this automation pulled the cord")
    return _ended(tx, drill, outcome, events, now)


def advance_drills(tx: Tx, *, events: Events, now: datetime, drill_id: UUID | None = None) -> bool:
    """End a drill that every process follows, or that one does not follow in time; return whether one was.

    One, as its end is audited, and the cord of another automation must not be waited for after that.
    """
    under_way = store.under_way(tx, drill_id)
    running = live.processes(tx, now) if under_way else ()
    for drill in under_way:
        outcome = judge(drill, running, now)
        if outcome is None:
            continue
        raising.hold(tx, [drill.automation])
        if store.under_way(tx, drill.id):
            _ended(tx, drill, outcome, events, now)
            return True
    return False


def begin_due_drills(tx: Tx, *, events: Events, now: datetime) -> bool:
    """Begin a declared drill that is due, where a deciding process could follow; return whether one was."""
    last = store.last_began(tx)
    serving = {name for process in live.processes(tx, now) for name in process.status.serves}
    for automation in decisions.automations(tx):
        drill = declared(tx, automation).drill
        began = last.get(automation)
        due = drill is not None and (began is None or now - began >= drill.every)
        if due and automation in serving:
            begin_drill(tx, automation, actor=PLATFORM, reason="due by its schedule", events=events, now=now)
            return True
    return False


def _ended(tx: Tx, drill: Drill, outcome: DrillOutcome, events: Events, now: datetime) -> Drill:
    """Release what the drill holds, resolve its alert and write the result."""
    segment = drill_segment(drill.id)
    if rule_store.standing_pulls(tx, drill.automation, segment):
        reason = "Drill over, nothing was wrong"
        cord.release(tx, drill.automation, segment=segment, actor=PLATFORM, reason=reason, events=events, now=now)
        rule_store.end_pulls(tx, drill.automation, segment, now)
    for rule in {rule.monitor for rule in rules_of(tx, drill.automation)} | {NO_MONITOR}:
        raising.recover(tx, _key(drill, rule), message=outcome.result, events=events, now=now)
    times = {"followed_at": now} if outcome.passed else {}
    ended = store.change(tx, drill.id, ended_at=now, passed=outcome.passed, result=outcome.result, **times)
    audit.record(
        tx,
        actor=PLATFORM,
        action="cord.drill.end",
        subject=f"automation:{drill.automation}",
        at=now,
        reason=outcome.result,
        after={"drill": str(drill.id), "passed": outcome.passed},
    )
    return ended


def _news(drill: Drill, monitor: str, level: Level, now: datetime) -> BadNews:
    segment = drill_segment(drill.id)
    return BadNews(drill.automation, monitor, "", segment, level, now, _MESSAGE, drill=drill.id)


def _key(drill: Drill, monitor: str) -> AlertKey:
    return AlertKey(drill.automation, monitor, "", drill_segment(drill.id), drill.id)
