"""The initial gates of an arm: what the held-out evidence of its model proves, kept as revisions."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from andon import gates, models, policies, serving
from andon.authoring import RiskBound
from andon.decisions.bounds import bound_of
from andon.decisions.controls import ArmGates, Gate, PartGates, Schedule
from andon.decisions.domain import LineRef, ModelRef
from andon.decisions.traffic import Arm
from andon.decisions.truth import version_in_force
from andon.gates import NOTHING, WHOLE, GateRevision, Part, ProvenGate
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.models import ModelVersion, RiskEvidence, near, threshold_for
from andon.serving import Candidate


def with_revision(
    tx: Tx, arm: Arm, version: ModelVersion, risk: RiskBound | None, *, events: Events, now: datetime
) -> Arm:
    """Return the arm with the revisions of its gates; missing ones are created, audited and announced."""
    if arm.own is not None:
        held_out = Gate.of(serving.gate_of(version, risk))
        ensure_revisions(tx, arm.ref, held_out, version, risk, events=events, now=now)
        held = gates.ensure_given(tx, arm.ref.automation, arm.name, arm.own, events=events, now=now)
        return replace(arm, gate=Gate(held.threshold, held.target, held.revision))
    revision = ensure_revisions(tx, arm.ref, arm.gate, version, risk, events=events, now=now)
    same = (revision.threshold, revision.target) == (arm.gate.threshold, arm.gate.target)
    return replace(arm, gate=Gate(arm.gate.threshold, arm.gate.target, revision.revision if same else 0))


def ensure_revisions(
    tx: Tx, ref: LineRef, gate: Gate, version: ModelVersion, risk: RiskBound | None, *, events: Events, now: datetime
) -> GateRevision:
    """Keep the gates of an arm as revisions, and return that of the whole line; existing revisions stay."""
    targets = {} if risk is None else risk.targets
    declared: dict[str, Any] = {"classes": sorted(targets)} if targets else {}
    if risk is not None and risk.by is not None:
        declared["by"] = risk.by
    if risk is not None and risk.local is not None:
        declared["local"] = risk.local
    for predicted, target in sorted(targets.items()):
        _ensure_class(tx, ref, version, risk, predicted, target, events, now)
    evidence = {**_evidence(version, version.manifest.risk, gate.threshold), **declared}
    return _ensure(tx, ref, risk, evidence, gate.threshold, gate.target, "", events, now)


def ensure_planned(
    tx: Tx,
    automation: str,
    risk: RiskBound | None,
    number: int,
    version: ModelVersion,
    policy_version: str,
    *,
    events: Events,
    now: datetime,
) -> str:
    """Keep the gates of an arm before it answers, as the first process that loads it would; return the arm's name."""
    ref = LineRef(automation, number, ModelRef(version.name, version.number, version.digest), policy_version)
    gate = Gate.of(serving.gate_of(version, risk))
    ensure_revisions(tx, ref, gate, version, risk, events=events, now=now)
    return ref.arm


def require_gates(
    tx: Tx, automation: str, model: str, candidates: Iterable[Candidate], *, events: Events, now: datetime
) -> None:
    """Check the gates of candidates against the proofs for their versions. Raises GateInvalid.

    Versions that never answered get their gates here, from held-out evidence.
    """
    gated = [one for one in candidates if one.gate is not None]
    deployed, in_force = version_in_force(tx, automation), policies.in_force(tx, automation)
    if not gated or deployed is None or in_force is None:
        return
    serving.hold(tx, automation)
    gates.hold(tx, automation)
    risk = bound_of(deployed)
    for one in gated:
        version, policy = models.get(tx, model, one.version), one.policy or in_force.version
        arm = ensure_planned(tx, automation, risk, deployed.number, version, policy, events=events, now=now)
        gates.require_proven(gates.arm_revisions(tx, automation, arm, now), arm, one.gate or 0.0, now)


def held_out_gates(arm: Arm, version: ModelVersion, risk: RiskBound | None) -> ArmGates:
    """Return the gates that an arm would start with if no revision of it is kept yet."""
    whole: Schedule = [(None, arm.gate)]
    if risk is None or not risk.targets:
        return ArmGates(whole)
    of_classes: dict[Part, Schedule] = {}
    for predicted, target in risk.targets.items():
        threshold, _ = _of_class(version, risk, predicted, target)
        of_classes[None, predicted] = [(None, Gate(threshold, target))]
    parts = PartGates(None, frozenset(), frozenset(risk.targets), {WHOLE: whole, **of_classes})
    return ArmGates(whole, parts)


def _of_class(
    version: ModelVersion, risk: RiskBound | None, predicted: str, target: float
) -> tuple[float, dict[str, Any]]:
    """Return the threshold of one predicted class with its evidence.

    A package that does not count its held-out rows by class proves nothing about a single class.
    """
    by_class = (version.manifest.risk.by_class or {}).get(predicted)
    if risk is None or by_class is None:
        return NOTHING, {"model": version.digest, "rows": 0}
    proven = threshold_for(by_class, target, risk.confidence, risk.local)
    threshold = NOTHING if proven is None else proven
    return threshold, _evidence(version, by_class, threshold)


def _ensure_class(
    tx: Tx,
    ref: LineRef,
    version: ModelVersion,
    risk: RiskBound | None,
    predicted: str,
    target: float,
    events: Events,
    now: datetime,
) -> None:
    """Make sure that the gate of one predicted class is kept."""
    threshold, evidence = _of_class(version, risk, predicted, target)
    if risk is not None and risk.local is not None:
        evidence["local"] = risk.local
    _ensure(tx, ref, risk, evidence, threshold, target, predicted, events, now)


def _ensure(
    tx: Tx,
    ref: LineRef,
    risk: RiskBound | None,
    evidence: dict[str, Any],
    threshold: float,
    target: float,
    predicted: str,
    events: Events,
    now: datetime,
) -> GateRevision:
    proven = ProvenGate(
        automation=ref.automation,
        arm=serving.proven_arm(ref.arm),
        automation_version=ref.automation_version,
        threshold=threshold,
        target=target,
        confidence=None if risk is None else risk.confidence,
        evidence=evidence,
        predicted=predicted,
    )
    return gates.ensure_held_out(tx, proven, events=events, now=now)


def _evidence(version: ModelVersion, table: RiskEvidence, threshold: float) -> dict[str, Any]:
    """Return the held-out rows behind a threshold: how many there are, above it, near it, and their errors.

    `errors_above` and `errors_near` count the wrong ones above and near the threshold.
    """
    found = next((row for row in table.table if row.threshold == threshold), None)
    if found is None:
        return {"model": version.digest, "rows": table.rows}
    near_rows, near_errors = near(table, threshold)
    above = {"rows_above": found.rows, "errors_above": found.errors, "rows_near": near_rows, "errors_near": near_errors}
    return {"model": version.digest, "rows": table.rows, **above}
