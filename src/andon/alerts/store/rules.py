"""SQL about the rules that pull the cord, and the pulls that they made."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from andon.alerts.rules import AddedRule, RulePull
from andon.alerts.tables import cord_pulls, cord_rules
from andon.authoring import CordRule
from andon.cord import Segment
from andon.kernel.db import Tx


def added(tx: Tx, automation: str) -> list[AddedRule]:
    """Return the rules that people added and nobody removed, oldest first."""
    c = cord_rules.c
    query = select(cord_rules).where(c.automation == automation, c.removed_at.is_(None)).order_by(c.id)
    return [_rule(row) for row in tx.execute(query)]


def add(tx: Tx, rule: AddedRule) -> None:
    """Write a rule."""
    tx.execute(
        insert(cord_rules).values(
            id=rule.id,
            automation=rule.automation,
            monitor=rule.rule.monitor,
            level=rule.rule.level,
            state=rule.rule.state,
            segment=rule.rule.segment,
            added_by=rule.added_by,
            added_at=rule.added_at,
            reason=rule.reason,
        )
    )


def remove(tx: Tx, automation: str, rule_id: UUID, by: str, now: datetime) -> AddedRule | None:
    """Remove a rule; return None if no rule has this id."""
    c = cord_rules.c
    removing = update(cord_rules).where(c.id == rule_id, c.automation == automation, c.removed_at.is_(None))
    row = tx.execute(removing.values(removed_by=by, removed_at=now).returning(cord_rules)).one_or_none()
    return None if row is None else _rule(row)


def add_pull(tx: Tx, pull: RulePull) -> None:
    """Record that a rule pulled the cord."""
    tx.execute(
        insert(cord_pulls).values(
            automation=pull.automation,
            number=pull.number,
            segment=dict(pull.segment),
            alert=pull.alert,
            rule=pull.rule,
            pulled_at=pull.pulled_at,
        )
    )


def standing_pulls(tx: Tx, automation: str, segment: Segment | None = None) -> list[RulePull]:
    """Return the unreleased pulls by rules, of one segment or of all."""
    c = cord_pulls.c
    query = select(cord_pulls).where(c.automation == automation, c.released_at.is_(None))
    if segment is not None:
        query = query.where(c.segment == dict(segment))
    return [
        RulePull(row.automation, row.number, row.segment, row.alert, row.rule, row.pulled_at)
        for row in tx.execute(query.order_by(c.number))
    ]


def end_pulls(tx: Tx, automation: str, segment: Segment, now: datetime) -> None:
    """Mark the pulls of a segment as released."""
    c = cord_pulls.c
    ending = update(cord_pulls).where(c.automation == automation, c.segment == dict(segment), c.released_at.is_(None))
    tx.execute(ending.values(released_at=now))


def _rule(row: Row[Any]) -> AddedRule:
    rule = CordRule(row.monitor, row.level, row.state, row.segment)
    return AddedRule(row.id, row.automation, rule, row.added_by, row.added_at, row.reason)
