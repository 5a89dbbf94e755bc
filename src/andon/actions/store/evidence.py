"""All SQL about the evidence of scripts. Never commits."""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from andon.actions.ports import EvidenceStep
from andon.actions.tables import action_evidence
from andon.kernel.db import Tx

_SHOWN = [column for column in action_evidence.c if column.name != "picture"]


def begin_step(tx: Tx, step: EvidenceStep) -> None:
    """Write a step that is about to happen."""
    tx.execute(upsert(action_evidence).values(_values(step)).on_conflict_do_nothing())


def keep_step(tx: Tx, step: EvidenceStep) -> None:
    """Write a step that ended; one that was begun gets its end."""
    values = _values(step)
    ended = {name: values[name] for name in ("ended_at", "outcome", "detail", "digest", "picture", "picture_digest")}
    statement = upsert(action_evidence).values(values)
    tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=ended))


def committed_at(tx: Tx, action_id: UUID) -> datetime | None:
    """Return when the last commit for an action was begun."""
    chosen = (action_evidence.c.action_id == action_id) & action_evidence.c.commit & ~action_evidence.c.look
    found: datetime | None = tx.execute(select(func.max(action_evidence.c.began_at)).where(chosen)).scalar_one()
    return found


def evidence_of(tx: Tx, action_id: UUID) -> list[EvidenceStep]:
    """Return all steps for an action, oldest first, without their pictures."""
    query = select(*_SHOWN).where(action_evidence.c.action_id == action_id).order_by(action_evidence.c.id)
    return [EvidenceStep(**row) for row in tx.execute(query).mappings()]


def picture_of(tx: Tx, action_id: UUID, step_id: UUID) -> bytes | None:
    """Return the picture of a step, None if it never existed or was removed."""
    chosen = (action_evidence.c.id == step_id) & (action_evidence.c.action_id == action_id)
    found = tx.execute(select(action_evidence.c.picture).where(chosen)).scalar_one_or_none()
    return None if found is None else bytes(found)


def forget_pictures(tx: Tx, *, before: datetime, limit: int) -> int:
    """Remove pictures of steps that ended before a moment; their digests stay. Return how many."""
    old = (
        select(action_evidence.c.id)
        .where(action_evidence.c.picture.is_not(None), action_evidence.c.began_at < before)
        .order_by(action_evidence.c.began_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = update(action_evidence).where(action_evidence.c.id.in_(old)).values(picture=None)
    return tx.execute(statement).rowcount


def _values(step: EvidenceStep) -> dict[str, Any]:
    return {
        "id": step.id,
        "action_id": step.action_id,
        "automation": step.automation,
        "run": step.run,
        "look": step.look,
        "number": step.number,
        "what": step.what.replace("\0", ""),
        "commit": step.commit,
        "began_at": step.began_at,
        "ended_at": step.ended_at,
        "outcome": step.outcome,
        "detail": step.detail.replace("\0", ""),
        "digest": step.digest,
        "picture": step.picture,
        "picture_digest": None if step.picture is None else sha256(step.picture).hexdigest(),
    }
