"""Routes of API keys: make, list, revoke. The key itself is only in the answer to the call that makes it."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from andon import access
from andon.access import Grant, Key, KeyNotFound, Permission, Role
from andon.gateway.dependencies import Bus, Caller, Db, Now, Pepper, ZonedMoment
from andon.gateway.reasons import Reason

router = APIRouter(prefix="/v1/keys", tags=["keys"])


class GrantModel(BaseModel):
    """A role within one automation, or everywhere."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    automation: str | None = Field(None, min_length=1, max_length=100, description="Default: everywhere.")


class KeyIn(BaseModel):
    """The name, grants and expiry of a new key, and the reason for it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, description="As it will appear in the audit log.")
    grants: list[GrantModel] = Field(min_length=1, max_length=100)
    expires_at: ZonedMoment | None = Field(None, description="Within the next ten years. Default: valid until revoked.")
    reason: Reason


class KeyOut(BaseModel):
    """A key, without its secret."""

    id: UUID
    name: str
    grants: list[GrantModel]
    alive: bool
    created_at: datetime
    created_by: str
    reason: str
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    last_used_at: datetime | None


class KeyMade(BaseModel):
    """A new key, shown only this once."""

    id: UUID
    name: str
    token: str


class Revocation(BaseModel):
    """The reason why a key is revoked."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


@router.get("", operation_id="list_keys")
def index(caller: Caller, db: Db, now: Now) -> list[KeyOut]:
    """List the keys that the caller may manage: those whose grants do not exceed its own."""
    caller.require_anywhere(Permission.MANAGE_KEYS)
    with db.begin() as tx:
        keys = access.list_keys(tx)
    return [_shown(key, now) for key in keys if caller.is_over(key.principal)]


@router.post("", status_code=status.HTTP_201_CREATED, operation_id="create_key")
def create(wanted: KeyIn, caller: Caller, db: Db, now: Now, bus: Bus, pepper: Pepper) -> KeyMade:
    """Make a key. Its grants must not exceed those that the caller may manage."""
    grants = [Grant(grant.role, grant.automation) for grant in wanted.grants]
    caller.require_over(grants)
    with db.begin() as tx:
        principal, token = access.create_key(
            tx,
            name=wanted.name,
            grants=grants,
            expires_at=wanted.expires_at,
            actor=caller.actor,
            reason=wanted.reason,
            events=bus,
            pepper=pepper,
            now=now,
        )
    return KeyMade(id=principal.id, name=principal.name, token=token)


@router.post("/{key_id}/revoke", operation_id="revoke_key")
def revoke(key_id: UUID, why: Revocation, caller: Caller, db: Db, now: Now, bus: Bus) -> KeyOut:
    """Revoke a key permanently. Running gateways follow within a second."""
    caller.require_anywhere(Permission.MANAGE_KEYS)
    with db.begin() as tx:
        if not caller.is_over(access.get_key(tx, key_id).principal):
            raise KeyNotFound(f"No key {key_id}")  # the same answer as for a key that does not exist
        closed = access.revoke_key(tx, key_id, actor=caller.actor, reason=why.reason, events=bus, now=now)
        return _shown(closed, now)


def _shown(key: Key, now: datetime) -> KeyOut:
    return KeyOut(
        id=key.principal.id,
        name=key.principal.name,
        grants=[GrantModel(role=grant.role, automation=grant.automation) for grant in key.principal.grants],
        alive=key.alive(now),
        created_at=key.created_at,
        created_by=key.created_by,
        reason=key.reason,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        revoked_by=key.revoked_by,
        last_used_at=key.last_used_at,
    )
