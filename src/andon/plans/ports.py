"""Ports of plans: a setting that a plan manages, and the functions that a plan needs from its process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from andon.access import Permission, Principal
from andon.authoring import Automation
from andon.decisions import ProofChange
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import ModelVersion
from andon.plans.domain import ChangePlan, FlippedOutcomes, Json, PlannedChange


@dataclass(frozen=True, slots=True)
class PlannedAct:
    """The actor, reason and time of a change, and whether authors may release their own code."""

    actor: Actor
    reason: str
    now: datetime
    events: Events
    author_may_approve: bool = True
    caller: Principal | None = None
    """The key that asks; None on the command line, which needs no key."""


@dataclass(frozen=True, slots=True)
class PostedConfiguration:
    """The texts of configuration files by name, and of policy files by the path that names them."""

    files: Mapping[str, str]
    policies: Mapping[str, str]


class InForce(Protocol):
    """One setting that the configuration names."""

    @property
    def place(self) -> str:
        """The place in the configuration, such as `automations.transfer-screening.policy`."""
        ...

    @property
    def automation(self) -> str | None:
        """The automation it belongs to; None if several share it."""
        ...

    @property
    def endpoint(self) -> str | None:
        """The endpoint of the automation, or the endpoint that is set; None for keys."""
        ...

    @property
    def permissions(self) -> Sequence[Permission]:
        """The permissions that its change needs over HTTP."""
        ...

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the value in force."""

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Put the value of the configuration in force, if it is not in force already."""


@dataclass(frozen=True, slots=True)
class PlannedForce:
    """The planned policy of one automation, as text, and the planned champion of its endpoint."""

    automation: Automation
    policy: str
    champion: int
    other_champion: bool
    """Whether the champion changes; if not, each decision keeps its version."""


Decide: TypeAlias = Callable[[PlannedForce], FlippedOutcomes]
"""A function that makes the newest decisions again as planned."""

Prove: TypeAlias = Callable[[PlannedForce], ProofChange | None]
"""A function that says what held-out rows prove before and after a change; None where no risk is bounded."""

Ready: TypeAlias = Callable[[ModelVersion], None]
"""A function that loads a version to check that it can answer here. Raises the error if it cannot."""


class Planning(Protocol):
    """Plans of posted configurations, made and applied within a process."""

    def plan(self, posted: PostedConfiguration, act: PlannedAct) -> ChangePlan:
        """Plan a configuration and change nothing. Raises Forbidden for what the caller may not read."""
        ...

    def apply(self, posted: PostedConfiguration, act: PlannedAct, plan: ChangePlan) -> Sequence[PlannedChange]:
        """Make exactly the planned changes, if there are any. Raises Forbidden, StateMoved, PlanDiffers."""
        ...


Declared: TypeAlias = Mapping[str, Automation]
"""The automations of this project, by name."""
