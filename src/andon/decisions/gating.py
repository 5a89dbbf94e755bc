"""The initial gates of an arm: what held-out rows prove for its model and policy together, kept as revisions."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import rfc8785

from andon import gates, models, policies, serving
from andon.authoring import Automation, RiskBound
from andon.decisions.assembly import compile_text
from andon.decisions.bounds import bound_of
from andon.decisions.controls import ArmGates, Gate, PartGates, Schedule
from andon.decisions.domain import HeldOutEvidence, LineRef, ModelRef
from andon.decisions.held_out import acts_on_all, arm_evidence
from andon.decisions.traffic import Arm
from andon.decisions.truth import truth_of, version_in_force
from andon.gates import NOTHING, WHOLE, GateInvalid, GateRevision, Part, ProvenGate
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.models import ModelVersion, RiskEvidence, near, threshold_for
from andon.serving import Candidate


def with_revision(tx: Tx, arm: Arm, risk: RiskBound | None, *, events: Events, now: datetime) -> Arm:
    """Return the arm with the revisions of its gates; missing ones are created, audited and announced."""
    revision = ensure_revisions(tx, arm.ref, arm.evidence, risk, events=events, now=now)
    if arm.own is not None:
        held = gates.ensure_given(tx, arm.ref.automation, arm.name, arm.own, events=events, now=now)
        return replace(arm, gate=Gate(held.threshold, held.target, held.revision))
    same = (revision.threshold, revision.target) == (arm.gate.threshold, arm.gate.target)
    return replace(arm, gate=Gate(arm.gate.threshold, arm.gate.target, revision.revision if same else 0))


def ensure_revisions(
    tx: Tx, ref: LineRef, evidence: HeldOutEvidence, risk: RiskBound | None, *, events: Events, now: datetime
) -> GateRevision:
    """Keep the gates of an arm as revisions, and return that of the whole line; existing revisions stay."""
    targets = {} if risk is None else risk.targets
    declared: dict[str, Any] = {"classes": sorted(targets)} if targets else {}
    if risk is not None and risk.by is not None:
        declared["by"] = risk.by
    for predicted, target in sorted(targets.items()):
        by_class = _of_class(evidence, predicted)
        _ensure(tx, ref, risk, by_class, _threshold(by_class.table, risk, target), target, predicted, {}, events, now)
    gate = serving.gate_of(evidence.table, risk)
    return _ensure(tx, ref, risk, evidence, gate.threshold, gate.target, "", declared, events, now)


def ensure_planned(
    tx: Tx,
    automation: str,
    risk: RiskBound | None,
    number: int,
    version: ModelVersion,
    policy_version: str,
    *,
    declared: Automation | None = None,
    text: str | None = None,
    events: Events,
    now: datetime,
) -> str:
    """Keep the gates of an arm before it answers, as the first process that loads it would; return the arm's name.

    `text` is the policy if it is not published yet. Without the `declared` code, only a line without a bound can be
    judged, a policy that reads no field, or an arm that was loaded before. Raises GateInvalid for others.
    """
    ref = LineRef(automation, number, ModelRef(version.name, version.number, version.digest), policy_version)
    evidence = _planned_evidence(tx, ref, version, risk, declared, text)
    ensure_revisions(tx, ref, evidence, risk, events=events, now=now)
    return ref.arm


def _planned_evidence(
    tx: Tx, ref: LineRef, version: ModelVersion, risk: RiskBound | None, declared: Automation | None, text: str | None
) -> HeldOutEvidence:
    if risk is None:
        return HeldOutEvidence(version.manifest.risk)
    text = policies.get(tx, ref.automation, ref.policy_version).text if text is None else text
    if declared is not None:
        _, policy = compile_text(declared, text, f"policy {ref.policy_version}")
        return arm_evidence(declared, policy, version.manifest, lambda: models.held_out_rows(tx, version))
    kept = kept_evidence(tx, ref.automation, ref.arm)
    if kept is not None:
        return kept
    table = policies.parse(text, source=f"policy {ref.policy_version}")
    reads_fields = any(name.startswith(("input.", "features.")) for name in policies.names_in(table))
    truth = truth_of(tx, ref.automation)
    if not reads_fields and acts_on_all(policies.compile(table, {}), version.manifest, truth):
        return HeldOutEvidence(version.manifest.risk)
    message = f"The held-out rows of {ref.arm} have not been judged yet: let it run as a shadow first"
    raise GateInvalid(message, faults=[Fault("gate", message)])


def kept_evidence(tx: Tx, automation: str, arm: str) -> HeldOutEvidence | None:
    """Return the held-out evidence that an arm's newest revision keeps; None if no process has loaded it yet."""
    kept = gates.held_out_table(tx, automation, serving.proven_arm(arm))
    if kept is None:
        return None
    return HeldOutEvidence(
        RiskEvidence.model_validate_json(json.dumps(kept["table"])),
        tuple(kept["unjudged"]),
        kept["because"],
        kept["alone"],
    )


def require_gates(
    tx: Tx,
    automation: str,
    model: str,
    candidates: Iterable[Candidate],
    *,
    declared: Automation | None = None,
    events: Events,
    now: datetime,
) -> None:
    """Check the gates of candidates against the proofs for their versions. Raises GateInvalid.

    Versions that never answered get their gates here, from held-out evidence (`ensure_planned`).
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
        arm = ensure_planned(
            tx, automation, risk, deployed.number, version, policy, declared=declared, events=events, now=now
        )
        gates.require_proven(gates.arm_revisions(tx, automation, arm, now), arm, one.gate or 0.0, now)


def held_out_gates(arm: Arm, risk: RiskBound | None) -> ArmGates:
    """Return the gates that an arm would start with if no revision of it is kept yet."""
    whole: Schedule = [(None, arm.gate)]
    if risk is None or not risk.targets:
        return ArmGates(whole)
    of_classes: dict[Part, Schedule] = {
        (None, predicted): [(None, Gate(_threshold(_of_class(arm.evidence, predicted).table, risk, target), target))]
        for predicted, target in risk.targets.items()
    }
    parts = PartGates(None, frozenset(), frozenset(risk.targets), {WHOLE: whole, **of_classes})
    return ArmGates(whole, parts)


def _of_class(evidence: HeldOutEvidence, predicted: str) -> HeldOutEvidence:
    """Return the rows of one predicted class.

    A package that does not count its held-out rows by class proves nothing about a single class.
    """
    by_class = (evidence.table.by_class or {}).get(predicted) or RiskEvidence(table=(), rows=0)
    return replace(evidence, table=by_class, alone=0)


def _threshold(table: RiskEvidence, risk: RiskBound | None, target: float) -> float:
    proven = None if risk is None else threshold_for(table, target, risk.confidence, risk.local)
    return NOTHING if proven is None else proven


def _ensure(
    tx: Tx,
    ref: LineRef,
    risk: RiskBound | None,
    evidence: HeldOutEvidence,
    threshold: float,
    target: float,
    predicted: str,
    declared: Mapping[str, Any],
    events: Events,
    now: datetime,
) -> GateRevision:
    """Make sure that one gate is kept. That of the whole line keeps the table of the arm as well."""
    table = None if predicted else _kept(evidence, risk)
    described = {**declared, **({} if risk is None or risk.local is None else {"local": risk.local})}
    if table is not None:
        described["table"] = hashlib.sha256(rfc8785.dumps(table)).hexdigest()[:16]
    proven = ProvenGate(
        automation=ref.automation,
        arm=serving.proven_arm(ref.arm),
        automation_version=ref.automation_version,
        threshold=threshold,
        target=target,
        confidence=None if risk is None else risk.confidence,
        evidence={"model": ref.model.digest, **_described(evidence, threshold), **described},
        predicted=predicted,
        table=table,
    )
    return gates.ensure_held_out(tx, proven, events=events, now=now)


def _kept(evidence: HeldOutEvidence, risk: RiskBound | None) -> dict[str, Any] | None:
    """Return evidence as it is kept: rows by predicted class only for classes with a bound of their own."""
    if risk is None:
        return None
    by_class = {name: one for name, one in (evidence.table.by_class or {}).items() if name in risk.targets}
    table = evidence.table.model_copy(update={"by_class": by_class or None})
    written = {"table": table.model_dump(mode="json"), "unjudged": list(evidence.unjudged)}
    return {**written, "because": evidence.because, "alone": evidence.alone}


def _described(evidence: HeldOutEvidence, threshold: float) -> dict[str, Any]:
    """Return the held-out rows behind a threshold: how many there are, above it, near it, and their errors.

    `errors_above` and `errors_near` count the wrong ones above and near the threshold.
    """
    table = evidence.table
    found = next((row for row in table.table if row.threshold == threshold), None)
    said: dict[str, Any] = {"rows": table.rows}
    if evidence.because:
        said |= {"because": evidence.because, "unjudged": list(evidence.unjudged)}
    if evidence.alone:
        said["alone"] = evidence.alone
    if found is None:
        return said
    near_rows, near_errors = near(table, threshold)
    above = {"rows_above": found.rows, "errors_above": found.errors, "rows_near": near_rows, "errors_near": near_errors}
    return {**said, **above}
