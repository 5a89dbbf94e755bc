"""Roles, their permissions, and the automations they apply to. Deny by default; no database, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from andon.access.errors import Forbidden
from andon.kernel.identity import Actor


class Permission(StrEnum):
    """A single permission. The value completes "may not ..."."""

    DECIDE = "ask for decisions"
    READ_OWN_DECISIONS = "read the answers to its own requests"
    READ_DECISIONS = "read decisions"
    READ_AUTOMATIONS = "read automations"
    READ_MODELS = "read models"
    REGISTER_MODELS = "register models"
    SET_ALIAS = "set the alias of a model"
    SET_SPLIT = "change which versions answer"
    RUN_ROLLOUT = "start, pause or abort rollouts"
    APPROVE_ROLLOUT = "approve rollouts or promote them by hand"
    PUBLISH_POLICY = "publish policies or put them in force"
    RELEASE = "release versions of automations"
    PIN_VERSION = "choose the version that answers"
    READ_REVIEWS = "read reviews"
    WORK_REVIEWS = "work on reviews"
    ADD_LABELS = "report true classes"
    WEIGH_LABELS = "add labels of blind audits and other systems, and weigh labels"
    READ_ACTIONS = "read actions"
    RESEND_ACTIONS = "send actions again"
    READ_PROCEDURES = "read procedures"
    SEND_EVENTS = "send events to procedures"
    CONTROL_PROCEDURES = "cancel, resume or fork procedures"
    READ_STREAMS = "read streams and dead events"
    RUN_STREAMS = "pause, resume or seek streams"
    MEND_EVENTS = "send dead events again or discard them"
    READ_ATTACHMENTS = "read attachments of mails"
    READ_METRICS = "read metrics"
    READ_AUDIT = "read the audit log"
    VERIFY_AUDIT = "verify the audit log"
    PULL_CORD = "pull the cord of a line"
    RELEASE_CORD = "release the cord of a line"
    SET_CORD_RULES = "set the rules that pull the cord"
    NARROW_GATES = "ask for more confidence at a risk gate"
    SET_AUDIT_SHARE = "change the share of blind audits"
    SET_BUDGET = "set budgets"
    READ_ALERTS = "read alerts and incidents"
    WORK_ALERTS = "work on alerts, silences and incidents"
    CALL_TOOLS = "call tools"
    MANAGE_KEYS = "manage keys"


class Role(StrEnum):
    """A role, for one automation or for all. `ROLES` lists the permissions of each."""

    CALLER = "caller"
    AGENT = "agent"
    VIEWER = "viewer"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    OWNER = "owner"
    AUDITOR = "auditor"
    ADMIN = "admin"


_P = Permission
_CALL = frozenset({_P.DECIDE, _P.READ_OWN_DECISIONS, _P.SEND_EVENTS})
_VIEW = frozenset(
    {
        _P.READ_OWN_DECISIONS,
        _P.READ_DECISIONS,
        _P.READ_AUTOMATIONS,
        _P.READ_MODELS,
        _P.READ_REVIEWS,
        _P.READ_ACTIONS,
        _P.READ_PROCEDURES,
        _P.READ_STREAMS,
        _P.READ_METRICS,
        _P.READ_ALERTS,
    }
)
_REVIEW = _VIEW | {_P.WORK_REVIEWS, _P.ADD_LABELS, _P.READ_ATTACHMENTS}
_OPERATE = _REVIEW | {
    _P.DECIDE,
    _P.RESEND_ACTIONS,
    _P.SEND_EVENTS,
    _P.CONTROL_PROCEDURES,
    _P.RUN_STREAMS,
    _P.MEND_EVENTS,
    _P.SET_ALIAS,
    _P.SET_SPLIT,
    _P.RUN_ROLLOUT,
    _P.PIN_VERSION,
    _P.PULL_CORD,
    _P.NARROW_GATES,
    _P.WORK_ALERTS,
}
_OWN = _OPERATE | {
    _P.REGISTER_MODELS,
    _P.PUBLISH_POLICY,
    _P.APPROVE_ROLLOUT,
    _P.RELEASE,
    _P.READ_AUDIT,
    _P.RELEASE_CORD,
    _P.SET_CORD_RULES,
    _P.WEIGH_LABELS,
    _P.SET_AUDIT_SHARE,
    _P.SET_BUDGET,
}

ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.CALLER: _CALL,
    Role.AGENT: frozenset({_P.CALL_TOOLS, _P.READ_OWN_DECISIONS}),
    Role.VIEWER: _VIEW,
    Role.REVIEWER: _REVIEW,
    Role.OPERATOR: _OPERATE,
    Role.OWNER: _OWN,
    Role.AUDITOR: _VIEW | {_P.READ_AUDIT, _P.VERIFY_AUDIT},
    Role.ADMIN: frozenset(Permission),
}
"""The permissions of each role.

A caller is a program, and an agent is a program that calls tools. An auditor reads everything and changes nothing.
An admin may do everything.
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role within one automation; with `automation` None, within all of them and for all that belongs to none."""

    role: Role
    automation: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or program recognised by its key. `id` is the key's."""

    id: UUID
    name: str
    grants: tuple[Grant, ...]
    _everywhere: frozenset[Permission] = field(init=False, repr=False, compare=False)
    _within: Mapping[str, frozenset[Permission]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        everywhere: frozenset[Permission] = frozenset()
        within: dict[str, frozenset[Permission]] = {}
        for grant in self.grants:
            if grant.automation is None:
                everywhere |= ROLES[grant.role]
            else:
                within[grant.automation] = within.get(grant.automation, frozenset()) | ROLES[grant.role]
        object.__setattr__(self, "_everywhere", everywhere)
        object.__setattr__(self, "_within", within)

    @property
    def actor(self) -> Actor:
        """The name under which it appears in the audit log."""
        return Actor(self.name)

    def may(self, permission: Permission, automation: str | None) -> bool:
        """Return whether this is allowed within `automation`; None means what belongs to no automation, or to all."""
        if permission in self._everywhere:
            return True
        return automation is not None and permission in self._within.get(automation, ())

    def require(self, permission: Permission, automation: str | None) -> None:
        """Raise Forbidden unless this is allowed."""
        if not self.may(permission, automation):
            where = f"in {automation}" if automation is not None else "across all automations"
            raise Forbidden(f"{self.name} may not {permission} {where}")

    def scopes(self, permission: Permission) -> list[str] | None:
        """Return the automations in which this is allowed; None means all, an empty list means none."""
        if permission in self._everywhere:
            return None
        return sorted(name for name, allowed in self._within.items() if permission in allowed)

    def require_anywhere(self, permission: Permission) -> None:
        """Raise Forbidden unless this is allowed in at least one automation."""
        if self.scopes(permission) == []:
            raise Forbidden(f"{self.name} may not {permission}")

    def require_over(self, grants: Iterable[Grant]) -> None:
        """Raise Forbidden unless this principal may manage keys everywhere that these grants apply."""
        for grant in grants:
            self.require(Permission.MANAGE_KEYS, grant.automation)

    def is_over(self, other: "Principal") -> bool:
        """Whether this principal may manage the other's key, which must reach no further than its own."""
        return all(self.may(Permission.MANAGE_KEYS, grant.automation) for grant in other.grants)


@dataclass(frozen=True, slots=True)
class Key:
    """The stored data of an API key, without the key itself."""

    principal: Principal
    created_at: datetime
    created_by: str
    reason: str
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    last_used_at: datetime | None

    def alive(self, now: datetime) -> bool:
        """Whether the key is valid: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
