"""The arms that may answer for an automation now, and the gate revisions that apply to them.

A revision outlives its arm: after a rollback, that of the former champion is kept, unused until the arm returns.
"""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any

from andon import gates, models, policies, serving
from andon.authoring import BY_REVIEW, BY_RULES
from andon.decisions.releasing import newest_version
from andon.decisions.truth import version_in_force
from andon.kernel.db import Tx
from andon.serving import Candidate


def answering_arms(tx: Tx, automation: str) -> frozenset[str] | None:
    """Return the names of the arms that answer, are shadows, or stand in as fallbacks.

    None before any policy is in force. Raises AutomationNotFound.
    """
    deployed = version_in_force(tx, automation) or newest_version(tx, automation)
    policy = policies.in_force(tx, automation)
    if policy is None:
        return None
    model = deployed.description["model"]
    held = models.held_versions(tx, model)
    champion, split = _champion(tx, model, held), serving.split_of(tx, automation, model)
    fallbacks = _fallbacks(tx, model, deployed.description)
    candidates = {*split.answering(champion), *split.looking_on(champion), *fallbacks}
    return frozenset(
        serving.arm_of(model, one, in_force=policy.version) for one in candidates if one.version not in held
    )


def gates_in_force(tx: Tx, automation: str, now: datetime) -> frozenset[int]:
    """Return the numbers of the gate revisions in force for any part of an arm that may answer."""
    living, arms = gates.in_force_by_arm(tx, automation, now), answering_arms(tx, automation)
    named = living.keys() if arms is None else (arm if arm in living else serving.proven_arm(arm) for arm in arms)
    return frozenset(number for arm in named for number in living.get(arm, ()))


def _champion(tx: Tx, model: str, held: Container[int]) -> int | None:
    """Return the champion's number; if it is in quarantine, that of the newest earlier champion that is not."""
    champion = serving.champion_of(tx, model)
    if champion not in held:
        return champion
    earlier = (alias.number for alias in reversed(models.champions_of(tx, model)))
    return next((number for number in earlier if number not in held), None)


def _fallbacks(tx: Tx, model: str, description: Mapping[str, Any]) -> set[Candidate]:
    steps = [step for step in description.get("fallback", ()) if step not in (BY_RULES, BY_REVIEW)]
    return {Candidate(one.number) for one in models.list_aliases(tx, model) if one.alias in steps}
