"""The view of one automation: what is in force, and its shadows' predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from andon import decisions, policies, serving
from andon.decisions import AutomationVersion
from andon.kernel.db import Tx
from andon.serving import Candidate, ShadowSummary, TrafficSplit

_COMPARED = 1000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Force:
    """The deciding parts of an automation. `released` is None if nothing is; `policy`, if none is in force."""

    version: AutomationVersion
    released: int | None
    policy: str | None
    champion: int | None
    split: TrafficSplit

    @property
    def name(self) -> str:
        """The automation."""
        return self.version.name

    @property
    def model(self) -> str:
        """The model that it uses."""
        return self.split.model

    @property
    def looking_on(self) -> Sequence[Candidate]:
        """The candidates that run as shadows."""
        return self.split.looking_on(self.champion)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A shadow candidate: its predictions of the last day, and its agreement in the newest `compared` cases."""

    candidate: Candidate
    summary: ShadowSummary
    compared: int
    agreed: int

    @property
    def agreement(self) -> float | None:
        """The share of cases in which it agreed, 0 to 1."""
        return self.agreed / self.compared if self.compared else None


def force_of(tx: Tx, name: str) -> Force:
    """Return what is in force for an automation. Raises AutomationNotFound."""
    newest, holding = decisions.newest_version(tx, name), decisions.released(tx, name)
    version = newest if holding is None else decisions.version(tx, name, holding.version)
    model, policy = version.description["model"], policies.in_force(tx, name)
    return Force(
        version=version,
        released=None if holding is None else holding.version,
        policy=None if policy is None else policy.version,
        champion=serving.champion_of(tx, model),
        split=serving.split_of(tx, name, model),
    )


def shadows_of(tx: Tx, force: Force, now: datetime) -> list[Shadow]:
    """Return what each shadow candidate predicted, next to the decisions."""
    return [_shadow(tx, force, candidate, now - _DAY) for candidate in force.looking_on]


def _shadow(tx: Tx, force: Force, candidate: Candidate, since: datetime) -> Shadow:
    arm = serving.arm_of(force.model, candidate, in_force=force.policy or "")
    said = serving.newest_said(tx, force.name, arm, since, limit=_COMPARED)
    decided = decisions.outcomes_of(tx, list(said))
    agreed = sum(said[decision_id] == outcome for decision_id, outcome in decided.items())
    return Shadow(candidate, serving.compare_shadows(tx, force.name, arm, since), len(decided), agreed)
