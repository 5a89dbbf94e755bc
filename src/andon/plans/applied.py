"""Applied configurations: each is stored and audited as one change, and shown to those who may read its parts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from andon import audit
from andon.access import Permission, Principal
from andon.kernel.db import Tx
from andon.plans import store
from andon.plans.domain import AppliedPlan, ChangePlan, PlannedChange
from andon.plans.ports import InForce, PlannedAct
from andon.plans.settings.key import KeyInForce

SUBJECT = "configuration"


def record_applied(tx: Tx, plan: ChangePlan, changes: Sequence[PlannedChange], act: PlannedAct) -> None:
    """Keep an applied plan and audit it, in the transaction that made its changes."""
    kept = [_document(one) for one in changes]
    store.add(tx, kept, by=act.actor.name, reason=act.reason, at=act.now, state_digest=plan.state_digest)
    audit.record(
        tx,
        actor=act.actor,
        action="configuration.apply",
        subject=SUBJECT,
        at=act.now,
        reason=act.reason,
        after={"state_digest": plan.state_digest, "changes": kept},
    )


def applied_plans(tx: Tx, reader: Principal, *, limit: int = 100) -> list[AppliedPlan]:
    """Return the newest applied plans with the changes that a reader may see; those without any are left out."""
    found = store.newest(tx, limit)
    seen = [replace(one, changes=tuple(each for each in one.changes if _may_see(reader, each))) for one in found]
    return [one for one in seen if one.changes]


def rights_of(settings: Sequence[InForce], changes: Sequence[PlannedChange]) -> Iterator[tuple[Permission, str | None]]:
    """Return the permissions that changes need, each with its automation; None for all."""
    before = {one.place: one.before for one in changes}
    for one in settings:
        if one.place in before:
            scopes = one.scopes(before[one.place]) if isinstance(one, KeyInForce) else [one.automation]
            yield from ((permission, scope) for permission in one.permissions for scope in scopes)


def _may_see(reader: Principal, change: PlannedChange) -> bool:
    if change.place.startswith("keys."):
        return reader.may(Permission.MANAGE_KEYS, None)
    permission = Permission.READ_MODELS if change.automation is None else Permission.READ_AUTOMATIONS
    return reader.may(permission, change.automation)


def _document(one: PlannedChange) -> dict[str, Any]:
    return {"place": one.place, "automation": one.automation, "before": one.before, "after": one.after}
