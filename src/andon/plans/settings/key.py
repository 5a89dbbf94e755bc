"""The grants of an existing API key. A plan makes no keys: a new one is a secret, which pipelines would keep."""

from datetime import datetime

from andon import access
from andon.access import Grant, Key, KeyNotFound, OwnKeyChange, Permission, Principal, Role
from andon.kernel.db import Tx
from andon.plans.configuration import ManagedKey
from andon.plans.domain import Json
from andon.plans.ports import PlannedAct

REVOKED = "revoked"


class KeyInForce:
    """All grants of a key, or its revocation. Over HTTP, the asking key must be able to manage it before and after."""

    automation = None
    endpoint = None
    permissions = (Permission.MANAGE_KEYS,)

    def __init__(self, name: str, wanted: ManagedKey) -> None:
        self.place = f"keys.{name}"
        self._name = name
        self._wanted = None if wanted.grants is None else [Grant(Role(g.role), g.automation) for g in wanted.grants]

    def scopes(self, before: Json) -> list[str | None]:
        """Return the automations that the present and the wanted grants reach; None stands for all."""
        reached = [word.partition(" in ")[2] or None for word in before if before != REVOKED]
        return list(dict.fromkeys([*reached, *(grant.automation for grant in self._wanted or ())]))

    @property
    def makes_admin(self) -> bool:
        """Whether the key may manage keys everywhere afterwards. Such keys come first, so that one is always left."""
        return Grant(Role.ADMIN) in (self._wanted or ())

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the grants in words, sorted, or REVOKED. Raises KeyNotFound."""
        del at
        key = self._found(tx)
        return REVOKED if key.revoked_at is not None else _words(key.principal.grants)

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Replace the grants, or revoke the key. Raises KeyNotFound with the command that makes the key."""
        key = self._found(tx, act.caller)
        if self._wanted is not None:
            access.set_grants(
                tx,
                key.principal.id,
                self._wanted,
                actor=act.actor,
                reason=act.reason,
                events=act.events,
                now=act.now,
                by=act.caller,
            )
            return
        if act.caller is not None:
            act.caller.require_over(key.principal.grants)
        if key.revoked_at is not None:
            return
        if act.caller is not None and act.caller.id == key.principal.id:
            raise OwnKeyChange
        access.revoke_key(tx, key.principal.id, actor=act.actor, reason=act.reason, events=act.events, now=act.now)

    def _found(self, tx: Tx, by: Principal | None = None) -> Key:
        """Return the newest key of this name that the asking key may manage, an active one first; ids are not names."""
        named = [key for key in access.list_keys(tx) if key.principal.name == self._name]
        named = [key for key in named if by is None or by.is_over(key.principal)]
        if not named:
            make = "" if self._wanted is None else f". {_how_to_make(self._name, self._wanted)}"
            raise KeyNotFound(f"The key does not exist{make}")
        return max(named, key=lambda key: (key.revoked_at is None, key.created_at))


def _how_to_make(name: str, grants: list[Grant]) -> str:
    """Write the command that makes a key with the first of these grants. Others are set by the plan."""
    first = grants[0]
    where = "" if first.automation is None else f" --automation {first.automation}"
    command = f'andon keys create --name {name} --role {first.role}{where} --reason "..."'
    return f"Create it where its holder can pick it up: `{command}`"


def _words(grants: tuple[Grant, ...]) -> list[str]:
    return sorted(f"{g.role} {f'in {g.automation}' if g.automation else 'everywhere'}" for g in grants)
