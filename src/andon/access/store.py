"""All SQL about keys. Never commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Select, String, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import aggregate_order_by

from andon.access.domain import Grant, Key, Principal, Role
from andon.access.errors import KeyNotFound
from andon.access.tables import grants, keys
from andon.kernel.db import Tx


def lock(tx: Tx) -> None:
    """Let one transaction at a time make or revoke keys, so that two cannot each revoke one of the last two admins."""
    tx.execute(text("LOCK TABLE access_keys IN SHARE ROW EXCLUSIVE MODE"))


def add(tx: Tx, key: Key, digest: bytes) -> None:
    """Write a new key with its grants."""
    tx.execute(
        insert(keys).values(
            id=key.principal.id,
            name=key.principal.name,
            digest=digest,
            reason=key.reason,
            created_at=key.created_at,
            created_by=key.created_by,
            expires_at=key.expires_at,
        )
    )
    tx.execute(
        insert(grants),
        [{"key_id": key.principal.id, "role": g.role, "automation": g.automation} for g in key.principal.grants],
    )


def get(tx: Tx, key_id: UUID) -> Key:
    """Return one key. Raises KeyNotFound."""
    row = tx.execute(_query().where(keys.c.id == key_id)).one_or_none()
    if row is None:
        raise KeyNotFound(f"No key {key_id}")
    return _key(row)


def all_keys(tx: Tx) -> list[Key]:
    """Return all keys, oldest first."""
    return [_key(row) for row in tx.execute(_query().order_by(keys.c.created_at, keys.c.name))]


def all_digests(tx: Tx) -> list[tuple[Key, bytes]]:
    """Return all keys with their stored digests, in one query."""
    return [(_key(row), bytes(row.digest)) for row in tx.execute(_query())]


def revoke(tx: Tx, key_id: UUID, *, at: datetime, by: str) -> None:
    """Mark a key as revoked."""
    tx.execute(update(keys).where(keys.c.id == key_id).values(revoked_at=at, revoked_by=by))


def replace_grants(tx: Tx, key_id: UUID, wanted: Sequence[Grant]) -> None:
    """Replace the grants of a key."""
    tx.execute(delete(grants).where(grants.c.key_id == key_id))
    tx.execute(insert(grants), [{"key_id": key_id, "role": g.role, "automation": g.automation} for g in wanted])


def save_use(tx: Tx, used: Mapping[UUID, datetime]) -> None:
    """Note when keys were last used; a later time is kept. Rows are locked in one order, as several processes write."""
    statement = text(
        "UPDATE access_keys k SET last_used_at = used.at FROM ("
        "SELECT a.id, u.at FROM access_keys a "
        "JOIN unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[])) AS u(id, at) ON a.id = u.id "
        "WHERE a.last_used_at IS NULL OR a.last_used_at < u.at ORDER BY a.id FOR UPDATE OF a"
        ") used WHERE k.id = used.id"
    )
    tx.execute(statement, {"ids": list(used), "times": list(used.values())})


def _query() -> Select[Any]:
    order = (grants.c.automation, grants.c.role)
    roles = func.array_agg(aggregate_order_by(grants.c.role, *order), type_=ARRAY(String))
    automations = func.array_agg(aggregate_order_by(grants.c.automation, *order), type_=ARRAY(String))
    joined = keys.join(grants, grants.c.key_id == keys.c.id)
    columns: list[Any] = [*keys.c, roles.label("roles"), automations.label("automations")]
    return select(*columns).select_from(joined).group_by(keys.c.id)


def _key(row: Row[Any]) -> Key:
    return Key(
        principal=Principal(row.id, row.name, _grants(row.roles, row.automations)),
        created_at=row.created_at,
        created_by=row.created_by,
        reason=row.reason,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        last_used_at=row.last_used_at,
    )


def _grants(roles: Sequence[str], automations: Sequence[str | None]) -> tuple[Grant, ...]:
    return tuple(Grant(Role(role), automation) for role, automation in zip(roles, automations, strict=True))
