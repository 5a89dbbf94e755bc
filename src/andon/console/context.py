"""The context of every page: the installation's parts, and the visitor."""

from dataclasses import dataclass

from andon.access import KeyRing, Permission, Principal
from andon.console.pulse import Pulse
from andon.console.rendering import Pages
from andon.console.throttle import Throttle
from andon.decisions import Explain
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.searches import Searches
from andon.models import Trials
from andon.replays import Rehearse


@dataclass(frozen=True, slots=True)
class Console:
    """The parts of one console process, built once by `create_app`."""

    settings: Settings
    database: Database
    clock: Clock
    events: Events
    keys: KeyRing
    throttle: Throttle
    pages: Pages
    pulse: Pulse
    searches: Searches
    rehearse: Rehearse | None = None
    explain: Explain | None = None
    trials: Trials | None = None


@dataclass(frozen=True, slots=True)
class NavigationSection:
    """An entry of the navigation. A `shared` page belongs to no automation, so it needs a grant for all."""

    path: str
    label: str
    permission: Permission
    shared: bool = False


SECTIONS = (
    NavigationSection("/", "Overview", Permission.READ_DECISIONS),
    NavigationSection("/decisions", "Decisions", Permission.READ_DECISIONS),
    NavigationSection("/reviews", "Reviews", Permission.READ_REVIEWS),
    NavigationSection("/alerts", "Alerts", Permission.READ_ALERTS),
    NavigationSection("/endpoints", "Endpoints", Permission.READ_MODELS),
    NavigationSection("/rollouts", "Rollouts", Permission.READ_MODELS),
    NavigationSection("/experiments", "Experiments", Permission.READ_MODELS),
    NavigationSection("/changes", "Changes", Permission.READ_AUTOMATIONS),
    NavigationSection("/models", "Models", Permission.READ_MODELS, shared=True),
    NavigationSection("/streams", "Streams", Permission.READ_STREAMS),
    NavigationSection("/actions", "Actions", Permission.READ_ACTIONS),
    NavigationSection("/procedures", "Procedures", Permission.READ_PROCEDURES),
    NavigationSection("/tools", "Tools", Permission.READ_DECISIONS),
    NavigationSection("/audit", "Audit", Permission.READ_AUDIT, shared=True),
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """The signed-in visitor, the token of this session's forms, and the open unacknowledged alerts."""

    principal: Principal
    csrf: str
    open_alerts: int = 0

    @property
    def sections(self) -> tuple[NavigationSection, ...]:
        """The sections this visitor may see."""
        return tuple(s for s in SECTIONS if (self.may if s.shared else self.may_somewhere)(s.permission))

    def may(self, permission: Permission, automation: str | None = None) -> bool:
        """Return whether something is allowed within an automation, or (None) across all."""
        return self.principal.may(permission, automation)

    def may_somewhere(self, permission: Permission) -> bool:
        """Return whether something is allowed within at least one automation."""
        return self.principal.scopes(permission) != []

    def scopes(self, permission: Permission) -> list[str] | None:
        """Return the automations in which something is allowed, None for all. Raises Forbidden if there is none."""
        scopes = self.principal.scopes(permission)
        if scopes == []:
            self.principal.require(permission, None)
        return scopes
