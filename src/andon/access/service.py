"""Use cases of keys: make, list, revoke. Each change is audited and announced to all running processes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from andon import audit
from andon.access import store
from andon.access.domain import Grant, Key, Permission, Principal
from andon.access.errors import KeyInvalid, KeyNameTaken, KeyNotFound, KeyRevoked, LastAdmin, OwnKeyChange
from andon.access.published import KeyClosed, KeyCreated, KeyRegranted
from andon.access.tokens import digest_of, new_token
from andon.access.vouched import KEYS
from andon.audit import RowName
from andon.authoring import AGENT_CALLER, SOURCES
from andon.kernel import reasons
from andon.kernel.db import Tx, announce
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import COMMAND_LINE, PLATFORM, Actor
from andon.kernel.ids import uuid7

_LONGEST_NAME = 100
_RESERVED = (COMMAND_LINE, AGENT_CALLER, *(f"{source}:" for source in SOURCES))
"""Beginnings of the names under which the command line, agents of procedures and streams act."""
_LONGEST_LIFE = timedelta(days=3653)
"""Ten years, leap days included."""


def create_key(
    tx: Tx,
    *,
    name: str,
    grants: Sequence[Grant],
    expires_at: datetime | None,
    actor: Actor,
    reason: str,
    events: Events,
    pepper: bytes,
    now: datetime,
) -> tuple[Principal, str]:
    """Make a key. Its text is in this return value and nowhere else. Raises KeyInvalid, KeyNameTaken."""
    _check(name, grants, expires_at, reason, now)
    store.lock(tx)
    if any(key.principal.name == name and key.revoked_at is None for key in store.all_keys(tx)):
        raise KeyNameTaken(f"A key named {name!r} already exists; choose another name, or revoke that key first")
    principal = Principal(uuid7(now), name, tuple(dict.fromkeys(grants)))
    token = new_token(principal.id)
    key = Key(principal, now, actor.name, reason, expires_at, None, None, None)
    store.add(tx, key, digest_of(token, pepper))
    announce(tx, "keys")
    audit.record(
        tx,
        actor=actor,
        action="key.create",
        subject=_subject(principal),
        at=now,
        reason=reason,
        after=_shown(key),
        rows=_row(principal),
    )
    events.publish(tx, KeyCreated(principal.id, name, _listed(principal), expires_at, actor.name, reason, at=now))
    return principal, token


def set_grants(
    tx: Tx,
    key_id: UUID,
    grants: Sequence[Grant],
    *,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    by: Principal | None = None,
) -> Key:
    """Give a key exactly these grants. `by` is the requesting key, which must manage keys where old or new ones apply.

    Raises KeyNotFound, KeyRevoked, KeyInvalid, LastAdmin, OwnKeyChange, Forbidden.
    """
    if faults := [*reasons.faults_of(reason), *_faults_of_grants(grants)]:
        raise KeyInvalid("; ".join(f"{fault.where}: {fault.message}" for fault in faults), faults=faults)
    store.lock(tx)
    key = store.get(tx, key_id)
    if key.revoked_at is not None:
        raise KeyRevoked(f"Key {key.principal.name!r} was revoked, which is final: create a new key")
    before, after = key.principal, Principal(key_id, key.principal.name, tuple(dict.fromkeys(grants)))
    _require_over(by, before, after.grants)
    if set(before.grants) == set(after.grants):
        return key
    if _is_admin(before) and not _is_admin(after):
        _require_other_admin(tx, key_id, now)
    store.replace_grants(tx, key_id, after.grants)
    announce(tx, "keys")
    changed = replace(key, principal=after)
    audit.record(
        tx,
        actor=actor,
        action="key.grant",
        subject=_subject(after),
        at=now,
        reason=reason,
        before=_shown(key),
        after=_shown(changed),
        rows=_row(after),
    )
    listed = (_listed(after), _listed(before))
    events.publish(tx, KeyRegranted(key_id, after.name, *listed, actor.name, reason, at=now))
    return changed


def revoke_key(tx: Tx, key_id: UUID, *, actor: Actor, reason: str, events: Events, now: datetime) -> Key:
    """Revoke a key permanently. Raises KeyNotFound, KeyRevoked, LastAdmin, KeyInvalid (no reason)."""
    if faults := reasons.faults_of(reason):
        raise KeyInvalid(faults[0].message, faults=faults)
    store.lock(tx)
    key = store.get(tx, key_id)
    if key.revoked_at is not None:
        raise KeyRevoked(f"Key {key.principal.name!r} is already revoked")
    _require_other_admin(tx, key_id, now)
    store.revoke(tx, key_id, at=now, by=actor.name)
    announce(tx, "keys")
    audit.record(
        tx,
        actor=actor,
        action="key.revoke",
        subject=_subject(key.principal),
        at=now,
        reason=reason,
        before=_shown(key),
        after=None,
        rows=_row(key.principal),
    )
    events.publish(tx, KeyClosed(key_id, key.principal.name, actor.name, reason, at=now))
    return store.get(tx, key_id)


def hold_keys(tx: Tx) -> None:
    """Keep others from making, granting or revoking keys until the transaction ends."""
    store.lock(tx)


def list_keys(tx: Tx) -> list[Key]:
    """Return all keys, including revoked and expired ones, oldest first."""
    return store.all_keys(tx)


def get_key(tx: Tx, key_id: UUID) -> Key:
    """Return one key. Raises KeyNotFound."""
    return store.get(tx, key_id)


def find_key(tx: Tx, named: str) -> Key:
    """Return the key with this id, or else the newest with this name, preferring a valid one. Raises KeyNotFound."""
    found = [key for key in store.all_keys(tx) if named in (str(key.principal.id), key.principal.name)]
    if not found:
        raise KeyNotFound(f"No key has the id or the name {named!r}")
    return max(found, key=lambda key: (str(key.principal.id) == named, key.revoked_at is None, key.created_at))


def _check(name: str, grants: Sequence[Grant], expires_at: datetime | None, reason: str, now: datetime) -> None:
    faults = reasons.faults_of(reason)
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        faults.append(Fault("name", f"1 to {_LONGEST_NAME} printable characters, without a leading or trailing space"))
    if name.casefold() == PLATFORM.name or name.casefold().startswith(_RESERVED):
        taken = ", ".join(f"`{beginning}`" for beginning in _RESERVED)
        faults.append(
            Fault("name", f"not `{PLATFORM.name}` and not beginning with {taken}: Andon itself acts under these names")
        )
    faults += _faults_of_grants(grants)
    if expires_at is not None and not now < expires_at <= now + _LONGEST_LIFE:
        faults.append(Fault("expires_at", "a future time, within the next ten years"))
    if faults:
        raise KeyInvalid("; ".join(f"{fault.where}: {fault.message}" for fault in faults), faults=faults)


def _faults_of_grants(grants: Sequence[Grant]) -> Iterator[Fault]:
    if not grants:
        yield Fault("grants", "at least one role; a key without a role permits nothing")
    if not all(g.automation is None or (g.automation and g.automation.isprintable()) for g in grants):
        yield Fault("grants", "the name of an automation, or none for all of them")


def _require_over(by: Principal | None, key: Principal, wanted: Sequence[Grant]) -> None:
    """Require that the key may manage keys wherever old or new grants apply, and still may if it changes its own."""
    if by is None:
        return
    by.require_over([*key.grants, *wanted])
    managed = [g.automation for g in by.grants if by.may(Permission.MANAGE_KEYS, g.automation)]
    after = Principal(by.id, by.name, tuple(wanted))
    if by.id == key.id and not all(after.may(Permission.MANAGE_KEYS, one) for one in managed):
        raise OwnKeyChange


def _require_other_admin(tx: Tx, key_id: UUID, now: datetime) -> None:
    """Require another valid key that may manage keys everywhere, unless this one may not. Raises LastAdmin."""
    admins = [other.principal.id for other in store.all_keys(tx) if other.alive(now) and _is_admin(other.principal)]
    if admins == [key_id]:
        raise LastAdmin


def _is_admin(principal: Principal) -> bool:
    return principal.may(Permission.MANAGE_KEYS, None)


def _listed(principal: Principal) -> list[dict[str, str | None]]:
    """List the grants in the form used in events."""
    return [{"role": g.role.value, "automation": g.automation} for g in principal.grants]


def _subject(principal: Principal) -> str:
    return f"key:{principal.id}"


def _row(principal: Principal) -> Sequence[RowName]:
    return [KEYS.row(principal.id)]


def _shown(key: Key) -> dict[str, Any]:
    """Return a key in the form used in the audit log."""
    return {
        "name": key.principal.name,
        "grants": [{"role": g.role, "automation": g.automation} for g in key.principal.grants],
        "expires_at": key.expires_at,
    }
