"""The versions and policies in force for an automation, and the line that is built from them."""

from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from typing import TypeAlias

import structlog

from andon import models, policies, serving
from andon.authoring import BY_REVIEW, BY_RULES, Automation
from andon.decisions.assembly import arm_of, compile_text
from andon.decisions.domain import AutomationVersion, HeldOutEvidence
from andon.decisions.draws import AuditDraws
from andon.decisions.errors import AutomationInvalid
from andon.decisions.line import Line
from andon.decisions.subjects import Subjects
from andon.decisions.traffic import Arm, Traffic
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.models import CHAMPION, ModelVersion, VersionHeld
from andon.policies import CompiledPolicy
from andon.serving import Candidate, LoadedVersion, TrafficSplit

EvidenceOf: TypeAlias = Callable[[Automation, LoadedVersion, str, CompiledPolicy], HeldOutEvidence]
"""Returns the held-out evidence of a version under a policy, which has a version, too."""

log = structlog.get_logger(__name__)


class WantedLine:
    """The policy in force, the champion, and the candidates of the traffic split, without versions in quarantine."""

    def __init__(self, tx: Tx, automation: Automation, policy_version: str, policy: str) -> None:
        self.policy_version, self.policy = policy_version, policy
        held = models.held_versions(tx, automation.model)
        self.champion = _answering(tx, automation, held)
        split = serving.split_of(tx, automation.name, automation.model)
        serving.require_genuine(tx, split)
        self.split: TrafficSplit = _without(split, held)
        self.fallbacks: dict[str, ModelVersion | None] = {}
        for step in automation.fallback:
            fallback = None if step in (BY_RULES, BY_REVIEW) else models.by_alias(tx, automation.model, step)
            if fallback is None or fallback.number not in held:
                self.fallbacks[step] = fallback
        split_among = {*self.split.shares, *self.split.shadows}
        further = [models.get(tx, automation.model, number) for number in sorted({one.version for one in split_among})]
        aliased = [version for version in self.fallbacks.values() if version is not None]
        self.versions = {version.number: version for version in (self.champion, *further, *aliased)}
        self.candidates = {Candidate(version.number) for version in (self.champion, *aliased)} | split_among
        self.policies = {
            one.policy: policies.get(tx, automation.name, one.policy).text for one in split_among if one.policy
        }

    def is_met_by(self, line: Line) -> bool:
        """Return whether a line decides with exactly these."""
        traffic = line.traffic
        return (
            traffic.split.number == self.split.number
            and traffic.champion.ref.policy_version == self.policy_version
            and traffic.champion.ref.model.digest == self.champion.digest
            and {one: arm.ref.model.digest for one, arm in traffic.arms.items()}
            == {one: self.versions[one.version].digest for one in self.candidates}
            and [None if arm is None else arm.version for _, arm in traffic.fallbacks]
            == [None if version is None else version.number for version in self.fallbacks.values()]
        )


def _answering(tx: Tx, automation: Automation, held: Container[int]) -> ModelVersion:
    """Return the champion, or the newest earlier champion if it is in quarantine. Raises VersionHeld.

    An earlier champion in quarantine is passed over.
    """
    champion = champion_of(tx, automation)
    if champion.number not in held:
        return champion
    earlier = [alias.number for alias in reversed(models.champions_of(tx, automation.model))]
    good = next((number for number in earlier if number not in held), None)
    if good is None:
        raise VersionHeld(
            f"Version {champion.number} of {automation.model} is in quarantine, and no earlier champion can replace it"
        )
    log.warning("automation.champion_held", automation=automation.name, held=champion.number, answering=good)
    return models.get(tx, automation.model, good)


def _without(split: TrafficSplit, held: Container[int]) -> TrafficSplit:
    """Return the split without candidates in quarantine; their shares go to the champion."""
    return replace(
        split,
        shares={one: share for one, share in split.shares.items() if one.version not in held},
        shadows=tuple(one for one in split.shadows if one.version not in held),
        places={one: places for one, places in split.places.items() if one.version not in held},
    )


def line_of(
    automation: Automation,
    deployed: AutomationVersion,
    wanted: WantedLine,
    loaded: Mapping[int, LoadedVersion],
    subjects: Subjects | None,
    draws: AuditDraws | None,
    evidence_of: EvidenceOf,
) -> Line:
    """Return the line that decides with these. Raises PolicyInvalid, AutomationInvalid."""
    table, policy = compile_text(automation, wanted.policy, f"the policy in force of {automation.name}")
    outcomes, own = dict.fromkeys(table.outcomes), dict[str, CompiledPolicy]()
    for version, text in wanted.policies.items():
        another, own[version] = compile_text(automation, text, f"policy {version}")
        outcomes |= dict.fromkeys(another.outcomes)
    arms: dict[Candidate, Arm] = {
        one: arm_of(
            automation,
            loaded[one.version],
            evidence_of(automation, loaded[one.version], one.policy or table.version, own.get(one.policy, policy)),
            number=deployed.number,
            policy_version=one.policy or table.version,
            policy=own.get(one.policy),
            own=one.gate,
        )
        for one in sorted(wanted.candidates)
    }
    champion = wanted.champion.number
    traffic = Traffic(
        champion=arms[Candidate(champion)],
        split=wanted.split,
        arms=arms,
        shadows=tuple(arms[one] for one in wanted.split.looking_on(champion)),
        fallbacks=tuple(
            (step, None if v is None else arms[Candidate(v.number)]) for step, v in wanted.fallbacks.items()
        ),
    )
    return Line(automation, traffic=traffic, policy=policy, outcomes=tuple(outcomes), subjects=subjects, draws=draws)


def champion_of(tx: Tx, automation: Automation) -> models.ModelVersion:
    """Return the model version that answers for an automation. Raises AutomationInvalid, which says how to get one."""
    try:
        return models.by_alias(tx, automation.model, CHAMPION)
    except (models.ModelNotFound, models.AliasNotFound):
        fault = Fault(
            automation.declared_at,
            f"model {automation.model!r} has no {CHAMPION}; register one with "
            f"`andon models register --from-script train.py --alias {CHAMPION}`",
        )
        raise AutomationInvalid(f"{fault.where}: {fault.message}", faults=[fault]) from None
