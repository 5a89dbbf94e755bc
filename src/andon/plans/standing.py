"""The release, policy, champion and split of each automation of a project, and how they change. Reads only."""

import difflib
from collections.abc import Container, Mapping
from dataclasses import dataclass

from andon import decisions, policies, serving
from andon.kernel.db import Tx
from andon.plans.domain import Json
from andon.plans.ports import Declared, PlannedForce
from andon.policies import PolicyVersion
from andon.serving import TrafficSplit


@dataclass(frozen=True, slots=True)
class AutomationForce:
    """The release, policy, champion and split of one automation; None for a part that does not exist yet."""

    release: int | None
    policy: PolicyVersion | None
    champion: int | None
    split: TrafficSplit

    @property
    def versions(self) -> set[int]:
        """The model versions that answer or run as shadows."""
        named = {one.version for one in (*self.split.shares, *self.split.shadows)}
        return named if self.champion is None else {*named, self.champion}

    @property
    def summary(self) -> Mapping[str, Json]:
        """The parts by name."""
        policy = None if self.policy is None else self.policy.version
        return {"release": self.release, "policy": policy, "champion": self.champion, "split": self.split.number}


Forces = Mapping[str, AutomationForce]


def forces_of(tx: Tx, declared: Declared) -> Forces:
    """Read what decides for each automation now."""
    found = {}
    for name, automation in declared.items():
        release = decisions.released(tx, name)
        found[name] = AutomationForce(
            None if release is None else release.version,
            policies.in_force(tx, name),
            serving.champion_of(tx, automation.model),
            serving.split_of(tx, name, automation.model),
        )
    return found


def context_of(forces: Forces, managed: Container[str]) -> dict[str, Json]:
    """Return the values by place without the managed places: a plan depends on these as well."""
    found: dict[str, Json] = {}
    for name, force in forces.items():
        own = {
            "release": f"automations.{name}.release",
            "policy": f"automations.{name}.policy",
            "champion": f"champions.{force.split.model}",
            "split": f"automations.{name}.traffic",
        }
        found |= {f"{name}, {what}": value for what, value in force.summary.items() if own[what] not in managed}
    return found


def planned_of(declared: Declared, before: Forces, after: Forces) -> dict[str, PlannedForce]:
    """Return what would decide for each automation whose release, policy or champion changes."""
    found = {}
    for name, force in after.items():
        then = before[name]
        same = (force.release, force.champion) == (then.release, then.champion) and _text(force) == _text(then)
        if not same and force.policy is not None and force.champion is not None:
            other = force.champion != then.champion
            found[name] = PlannedForce(declared[name], force.policy.text, force.champion, other)
    return found


def newly_answering(declared: Declared, before: Forces, after: Forces) -> dict[str, list[int]]:
    """Return the versions by endpoint that newly answer or run as shadows, or that new code asks."""
    found: dict[str, set[int]] = {}
    for name, force in after.items():
        known = before[name].versions if force.release == before[name].release else set()
        found.setdefault(declared[name].model, set()).update(force.versions - known)
    return {endpoint: sorted(versions) for endpoint, versions in found.items() if versions}


def policy_difference(before: AutomationForce, after: AutomationForce) -> tuple[str, ...]:
    """Return the lines in which two policies differ, without the lines around them; none for a first policy."""
    if before.policy is None:
        return ()
    lines = difflib.unified_diff(_text(before).splitlines(), _text(after).splitlines(), lineterm="", n=0)
    return tuple(line for line in lines if not line.startswith(("---", "+++", "@@")))


def code_difference(tx: Tx, automation: str, before: AutomationForce, after: AutomationForce) -> tuple[str, ...]:
    """Return the names of the parts in which two releases differ; none for a first release."""
    then, now = (_description(tx, automation, force.release) for force in (before, after))
    parts = sorted(part for part in {*then, *now} if then.get(part) != now.get(part))
    return (f"differs in: {', '.join(parts)}",) if then else ()


def _description(tx: Tx, automation: str, release: int | None) -> Mapping[str, Json]:
    return {} if release is None else decisions.version(tx, automation, release).description


def _text(force: AutomationForce) -> str:
    return "" if force.policy is None else force.policy.text
