"""Building a line from its parts, with every part checked against the others; all errors are reported together."""

import copy
import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import rfc8785

from andon import features, policies
from andon.authoring import EXPECTED, OF_NUMBERS, Automation, Feature, Lookup, Policy, Toolbox, Window
from andon.decisions.auditing import described_audit
from andon.decisions.bounds import bound_of, described_bound, unknown_to_model
from andon.decisions.contract import Contract
from andon.decisions.controls import Gate
from andon.decisions.cord_rules import described_cord
from andon.decisions.domain import AutomationVersion, HeldOutEvidence, LineRef, ModelRef, arm_name
from andon.decisions.draws import AuditDraws
from andon.decisions.errors import AutomationInvalid
from andon.decisions.held_out import arm_evidence
from andon.decisions.line import Line
from andon.decisions.loading import policy_text
from andon.decisions.measuring import described_measures
from andon.decisions.subjects import Subjects
from andon.decisions.toolboxes import described_tools, tool_outcomes_wrong
from andon.decisions.traffic import Arm, Traffic
from andon.decisions.truth import check_classes, check_outcomes, described
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.models import CHAMPION, ModelVersion
from andon.policies import REVIEW, CompiledPolicy, DecisionTable, ValueKind, kind_of
from andon.serving import LoadedVersion, gate_of

_USUAL_LATENESS = timedelta(hours=1)


def variables(automation: Automation) -> dict[str, ValueKind]:
    """Return the variables that a policy of this automation may name, in addition to those of every policy."""
    fields = {f"input.{name}": kind_of(field.annotation) for name, field in automation.contract.model_fields.items()}
    computed = {
        f"features.{name}": kind for feature in automation.features for name, kind in _kinds(automation, feature)
    }
    return {**fields, **computed, **(_EXPECTED if automation.expect else {})}


def compile_policy(automation: Automation) -> tuple[DecisionTable, CompiledPolicy]:
    """Compile the automation's policy, checked against its contract, features, outcomes and actions.

    Raises PolicyInvalid, AutomationInvalid.
    """
    _check_windows(automation)
    described_measures(automation, variables(automation))
    return compile_text(automation, *policy_text(automation))


def compile_text(automation: Automation, text: str, source: str) -> tuple[DecisionTable, CompiledPolicy]:
    """Compile a decision table, checked as if it were the automation's policy.

    Raises PolicyInvalid, AutomationInvalid.
    """
    table = policies.parse(text, source=source)
    compiled = policies.compile(table, variables(automation))
    check_outcomes(automation, table.outcomes)
    _check_rules_alone(automation, table)
    if isinstance(automation, Toolbox) and (wrong := tool_outcomes_wrong(table)):
        raise _invalid(automation, wrong)
    unknown = sorted(set(automation.actions) - set(table.outcomes))
    if automation.when_stopped not in {REVIEW, *table.outcomes}:
        known = ", ".join(table.outcomes)
        raise _invalid(automation, f"when_stopped={automation.when_stopped!r} is not an outcome of {source} ({known})")
    if unknown:
        known = ", ".join(table.outcomes)
        raise _invalid(
            automation,
            *(f"action {name!r} is for an outcome that {source} does not have ({known})" for name in unknown),
        )
    return table, compiled


def _check_rules_alone(automation: Automation, table: DecisionTable) -> None:
    """Check that the policy of an automation without a model reads no prediction. Raises AutomationInvalid."""
    if automation.predicts:
        return
    faults = [
        f"rule {rule.id!r} reads {name!r}, and there is no model: name one, or write the rule without it"
        for name, rule in policies.names_in(table).items()
        if name.partition(".")[0] in ("prediction", "risk")
    ]
    if faults:
        raise _invalid(automation, *faults)


def assemble(
    automation: Automation,
    loaded: LoadedVersion,
    *,
    number: int,
    subjects: Subjects | None = None,
    draws: AuditDraws | None = None,
) -> Line:
    """Return a line that decides with these exact versions. Raises PolicyInvalid, AutomationInvalid."""
    table, compiled = compile_policy(automation)
    evidence = evidence_of(automation, loaded, compiled)
    return Line(
        automation,
        traffic=Traffic.of_one(arm_of(automation, loaded, evidence, number=number, policy_version=table.version)),
        policy=compiled,
        outcomes=table.outcomes,
        subjects=subjects,
        draws=draws,
    )


def evidence_of(automation: Automation, loaded: LoadedVersion, policy: CompiledPolicy) -> HeldOutEvidence:
    """Return the held-out evidence of a loaded version under a policy. Judges every kept row: call it once an arm."""
    return arm_evidence(automation, policy, loaded.version.manifest, loaded.held_out_rows)


def arm_of(
    automation: Automation,
    loaded: LoadedVersion,
    evidence: HeldOutEvidence,
    *,
    number: int,
    policy_version: str,
    policy: CompiledPolicy | None = None,
    own: float | None = None,
) -> Arm:
    """Return the arm with which a loaded version answers for version `number` of an automation.

    It decides by `policy`, or by the one in force if that is None. `own` is the threshold of a gate of its own. Raises
    AutomationInvalid.
    """
    model = loaded.version
    check_signature(automation, model)
    name = arm_name(model.name, model.number, policy_version, own)
    ref = LineRef(automation.name, number, ModelRef(model.name, model.number, model.digest), policy_version, name)
    gate = Gate.of(gate_of(evidence.table, automation.risk))
    gate = gate if own is None else replace(gate, threshold=max(own, gate.threshold))
    return Arm(ref, loaded, gate, policy, own, evidence)


def check_signature(automation: Automation, version: ModelVersion) -> None:
    """Check that the automation gives a model version's features and has its classes. Raises AutomationInvalid.

    The classes are compared with those of the automation's truth.
    """
    if not automation.predicts:
        return
    check_classes(automation, version)
    unknown = unknown_to_model(automation, version)
    if unknown:
        raise _invalid(automation, *unknown)
    given = {*automation.contract.model_fields, *automation.feature_names}
    missing = [f.name for f in version.manifest.signature.features if f.name not in given]
    if missing:
        model = f"model {version.name} version {version.number}"
        raise _invalid(
            automation,
            *(f"{model} needs {name!r}, which is neither a field of the contract nor a feature" for name in missing),
        )


def check_lookups(tx: Tx, automation: Automation) -> None:
    """Check that the tables of the automation's lookups can be read. Raises AutomationInvalid."""
    lookups = [feature for feature in automation.features if isinstance(feature, Lookup)]
    faults = [fault for lookup in lookups for fault in features.lookup_faults(tx, lookup)]
    if faults:
        raise _invalid(automation, *faults)


def register_windows(tx: Tx, automation: Automation) -> None:
    """Register how the tiles of the automation's windows grow, before it writes any."""
    given = features.FeatureSet(automation.name, automation.features, lateness=automation.lateness)
    features.register(tx, given.series)


def answers_by(automation: Automation, alias: str) -> bool:
    """Return whether an alias names a version that may answer for an automation: its champion or a fallback."""
    return alias in (CHAMPION, *automation.fallback)


def answered_by(deployed: AutomationVersion, alias: str) -> bool:
    """Return whether an alias names a version that may answer for a deployed automation version."""
    return alias in (CHAMPION, *deployed.description["fallback"])


def lacking(deployed: AutomationVersion, version: ModelVersion) -> list[str]:
    """Return the features that a model version needs and a deployed automation version does not give."""
    described = deployed.description
    given = {*described["contract"]["properties"], *(EXPECTED if described.get("expect") else ())}
    for feature in described["features"]:
        given.update(_names_of(feature))
    return [f.name for f in version.manifest.signature.features if f.name not in given]


def unnamed(deployed: AutomationVersion, table: DecisionTable) -> list[str]:
    """Return the names in a decision table that a deployed automation version does not give."""
    described = deployed.description
    given = {f"input.{name}" for name in described["contract"]["properties"]}
    given.update(f"features.{name}" for name in (EXPECTED if described.get("expect") else ()))
    for feature in described["features"]:
        given.update(f"features.{name}" for name in _names_of(feature))
    roots = ("input.", "features.")
    return sorted(name for name in policies.names_in(table) if name.startswith(roots) and name not in given)


def names_given(deployed: AutomationVersion) -> frozenset[str]:
    """Return the features that a deployed automation version gives."""
    return frozenset(name for feature in deployed.description["features"] for name in _names_of(feature))


def idle_features(automation: Automation, version: ModelVersion, policy: CompiledPolicy) -> list[Fault]:
    """Return a fault for each feature that the model does not know and the policy does not read.

    Most likely a name is mistyped, or the model is older than the feature. The line may still decide, because an older
    model may have to answer again.
    """
    known = {f.name for f in version.manifest.signature.features} | {
        name.removeprefix("features.") for name in policy.reads
    }
    return [
        Fault(
            automation.declared_at,
            f"feature {feature.names[0]!r} is known neither to model {version.name} version {version.number} nor "
            "to the policy",
        )
        for feature in automation.features
        if known.isdisjoint(feature.names)
    ]


def describe(automation: Automation) -> dict[str, Any]:
    """Return everything about an automation that affects decisions, as JSON values; its digest is the version."""
    text, _ = policy_text(automation)
    return {
        "contract": Contract(automation.contract).schema(),
        "subject": automation.subject,
        "features": describe_features(automation),
        "model": automation.model,
        "policy": text,
        "actions": {name: _plain(asdict(action)) for name, action in automation.actions.items()},
        "review": {"queue": automation.review.queue, "due_seconds": int(automation.review.due.total_seconds())},
        "risk": described_bound(automation.risk),
        "fallback": list(automation.fallback),
        **({"expect": [_plain(asdict(one)) for one in automation.expect]} if automation.expect else {}),
        **({} if automation.lateness == _USUAL_LATENESS else {"lateness_seconds": automation.lateness.total_seconds()}),
        **_procedures(automation),
        **({} if automation.when_stopped == REVIEW else {"when_stopped": automation.when_stopped}),
        **described(automation),
        **described_measures(automation, variables(automation)),
        **described_audit(automation),
        **described_cord(automation),
        **({} if automation.monitors is None else {"monitors": automation.monitors.described()}),
        **({} if automation.rollout is None else {"rollout": automation.rollout.described()}),
        **({} if automation.results is None else {"results": _plain(asdict(automation.results))}),
        **(described_tools(automation) if isinstance(automation, Toolbox) else {}),
    }


def describe_features(automation: Automation) -> list[dict[str, Any]]:
    """Describe each feature, in order."""
    return [_feature(feature) for feature in automation.features]


def as_deployed(automation: Automation, deployed: AutomationVersion, policy: str) -> Automation:
    """Return the declaration with the risk bound of an earlier version and the text of a policy that it decided by."""
    earlier = copy.copy(automation)
    earlier.policy = Policy.yaml(policy)
    earlier.risk = bound_of(deployed)
    earlier.when_stopped = deployed.description.get("when_stopped", REVIEW)
    return earlier


def digest_of(description: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON (RFC 8785) of a description, in hex."""
    return hashlib.sha256(rfc8785.dumps(dict(description))).hexdigest()


_EXPECTED = dict(zip((f"features.{name}" for name in EXPECTED), (ValueKind.BOOLEAN, ValueKind.STRING), strict=True))

_TEXTS = frozenset({ValueKind.STRING, ValueKind.OPTIONAL_STRING})
_NUMBERS = frozenset({ValueKind.NUMBER, ValueKind.OPTIONAL_NUMBER, ValueKind.BOOLEAN, ValueKind.OPTIONAL_BOOLEAN})


def _kinds(automation: Automation, feature: Feature) -> list[tuple[str, ValueKind]]:
    if isinstance(feature, Window):
        return [(name, _kind_in_window(automation, feature, aggregate)) for name, _, aggregate in feature.named]
    return [(name, ValueKind.ANY) for name in feature.names]


def _kind_in_window(automation: Automation, window: Window, aggregate: str) -> ValueKind:
    if aggregate in ("count", "sum"):
        return ValueKind.NUMBER
    if aggregate != "last":
        return ValueKind.OPTIONAL_NUMBER
    kind = kind_of(automation.contract.model_fields[window.field].annotation)
    if kind in _NUMBERS:
        return ValueKind.OPTIONAL_NUMBER
    return ValueKind.OPTIONAL_STRING if kind in _TEXTS else ValueKind.ANY


def _check_windows(automation: Automation) -> None:
    """Check that no window computes a numeric aggregate, such as a sum, of texts. Raises AutomationInvalid."""
    faults = []
    for window in automation.features:
        if isinstance(window, Window) and kind_of(automation.contract.model_fields[window.field].annotation) in _TEXTS:
            wrong = [aggregate for aggregate in window.aggregates if aggregate in OF_NUMBERS]
            faults += [f"Window({window.field!r}): {window.field!r} is a text, which has no {', '.join(wrong)}"] * bool(
                wrong
            )
    if faults:
        raise _invalid(automation, *faults)


def _feature(feature: Feature) -> dict[str, Any]:
    """Return a feature as it is kept with the version.

    Default values are left out, so that old versions keep their digest.
    """
    if isinstance(feature, Window):
        named = {"name": feature.name} if feature.name else {}
        return {
            "window": feature.field,
            "by": feature.by,
            "over": list(feature.over),
            "aggregates": list(feature.aggregates),
            **named,
        }
    if isinstance(feature, Lookup):
        return {"lookup": feature.table, "names": list(feature.names), **_plain(asdict(feature))}
    try:
        source = inspect.getsource(feature.compute)
    except OSError:
        source = feature.compute.__qualname__
    batch = {"batch": True} if feature.batch else {}
    moment = {"moment": True} if feature.moment else {}
    return {"request": feature.name, "source": hashlib.sha256(source.encode()).hexdigest(), **batch, **moment}


def _names_of(described: Mapping[str, Any]) -> list[str]:
    """Return the names of the features that a described feature gives."""
    if "request" in described:
        return [described["request"]]
    if "lookup" in described:
        return list(described["names"])
    window = Window(
        described["window"],
        described["by"],
        tuple(described["over"]),
        tuple(described["aggregates"]),
        described.get("name", ""),
    )
    return list(window.names)


def _procedures(automation: Automation) -> dict[str, Any]:
    present = {one.name: one.version for one in automation.procedures if not one.retired}
    return {"procedures": present} if present else {}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def _invalid(automation: Automation, *messages: str) -> AutomationInvalid:
    faults = [Fault(automation.declared_at, message) for message in messages]
    return AutomationInvalid("; ".join(f"{f.where}: {f.message}" for f in faults), faults=faults)
