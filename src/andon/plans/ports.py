"""Ports: a setting that a plan manages, and what a plan asks of the process that makes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from andon.access import Permission
from andon.authoring import Automation
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import ModelVersion
from andon.plans.domain import FlippedOutcomes, Json


@dataclass(frozen=True, slots=True)
class PlannedAct:
    """Who changes something, why, when, and whether the one who brought code may release it."""

    actor: Actor
    reason: str
    now: datetime
    events: Events
    author_may_approve: bool = True


class InForce(Protocol):
    """One setting that the configuration names."""

    @property
    def place(self) -> str:
        """Where the configuration names it: `automations.transfer-screening.policy`."""
        ...

    @property
    def automation(self) -> str | None:
        """The automation it belongs to; None for what several share."""
        ...

    @property
    def endpoint(self) -> str:
        """The endpoint of the automation, or the one that it is about."""
        ...

    @property
    def permissions(self) -> Sequence[Permission]:
        """What changing it takes over HTTP."""
        ...

    def hold(self, tx: Tx) -> None:
        """Let nobody else change it until the transaction ends."""

    def now(self, tx: Tx, at: datetime) -> Json:
        """What is in force."""

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Put in force what the configuration says; nothing changes where it is."""


@dataclass(frozen=True, slots=True)
class PlannedForce:
    """What one automation would decide by: the policy's text and the champion of its endpoint. None stands for none."""

    automation: Automation
    policy: str
    champion: int
    other_champion: bool
    """Whether the champion is another than now; else each decision keeps its version."""


Decide: TypeAlias = Callable[[PlannedForce], FlippedOutcomes]
"""Makes the newest decisions again by what is planned."""

Ready: TypeAlias = Callable[[ModelVersion], None]
"""Makes sure that a version can answer here; raises what keeps it from that."""

Declared: TypeAlias = Mapping[str, Automation]
"""The automations of this project, by name."""
