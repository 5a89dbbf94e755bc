"""What the stream knows of the lines whose decisions it reads: per version, which never changes, and now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from andon import decisions, models, policies
from andon.authoring import Truth
from andon.cord import CordInvalid, segment_of
from andon.decisions import AutomationVersion, CertainRulings
from andon.evidence.domain import NO_RULES, GateRules, age_by, maturity_by
from andon.gates import GateSegment
from andon.kernel.db import Tx


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A version as far as evidence goes: the ages of its cases, the field of its segments, whether it bounds a risk."""

    age: timedelta
    maturity: timedelta
    by: str | None
    contract: Mapping[str, Any]
    is_bounded: bool

    def segment(self, given: Mapping[str, Any]) -> GateSegment:
        """Return the segment of an input."""
        return segment_in(given, self.by, self.contract)

    @classmethod
    def of(cls, version: AutomationVersion) -> "LineFacts":
        """Read them from a version."""
        risk = decisions.bound_of(version)
        by = None if risk is None else risk.by
        return cls(age_by(version), maturity_by(version), by, version.description["contract"], risk is not None)


class KnownLines:
    """Facts of versions and policies, and thresholds of models, that one process has read. None ever changes.

    `rulings` knows the policies of the code that is here.
    """

    def __init__(self, rulings: CertainRulings | None = None) -> None:
        self.rulings = rulings or CertainRulings()
        self._rules: dict[tuple[str, str], GateRules] = {}
        self._facts: dict[tuple[str, int], LineFacts] = {}
        self._thresholds: dict[tuple[str, int], list[float]] = {}

    def facts(self, tx: Tx, automation: str, version: int) -> LineFacts:
        """Return the facts of a version."""
        key = automation, version
        if key not in self._facts:
            self._facts[key] = LineFacts.of(decisions.version(tx, *key))
        return self._facts[key]

    def thresholds(self, tx: Tx, model: str, number: int) -> Sequence[float]:
        """Return the rising thresholds of a model version."""
        if (model, number) not in self._thresholds:
            table = models.get(tx, model, number).manifest.risk.table
            self._thresholds[model, number] = sorted(row.threshold for row in table)
        return self._thresholds[model, number]

    def rules(self, tx: Tx, automation: str, policy: str) -> GateRules:
        """Return the rules of a version of a policy, as they stand to the gate."""
        key = automation, policy
        if key not in self._rules:
            found = policies.find(tx, *key)
            if found is None:
                return NO_RULES
            table = policies.parse(found.text, source=f"policy {found.version}")
            self._rules[key] = GateRules(policies.rules_before_gate(table), policies.rules_alone(table))
        return self._rules[key]


class Truths:
    """The truths of automations in one transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._known: dict[str, Truth | None] = {}
        self._silent: dict[str, bool] = {}

    def of(self, automation: str) -> Truth | None:
        """Return the truth in force of an automation."""
        if automation not in self._known:
            self._known[automation] = decisions.truth_of(self._tx, automation)
        return self._known[automation]

    def is_silent(self, automation: str) -> bool:
        """Return whether silence is evidence: a declared label of some decisions, where nobody audits them.

        With audits, reviews and audits are the evidence: they say more, and much earlier. Both together would count one
        kind of decision at another age than the rest.
        """
        if automation not in self._silent:
            truth, in_force = self.of(automation), decisions.version_in_force(self._tx, automation)
            unaudited = in_force is None or decisions.declared_audit(in_force) is None
            self._silent[automation] = truth is not None and truth.unreported is not None and unaudited
        return self._silent[automation]

    def is_heard(self, automation: str, outcome: str) -> bool:
        """Return whether silence is evidence about decisions with an outcome."""
        truth = self.of(automation)
        return self.is_silent(automation) and truth is not None and truth.outcomes.get(outcome) == truth.unreported


def segment_in(given: Mapping[str, Any], field: str | None, contract: Mapping[str, Any]) -> GateSegment:
    """Return an input's segment: its value in a field, or the contract's default where it is missing."""
    if field is None:
        return {}
    value = given.get(field, contract.get("properties", {}).get(field, {}).get("default"))
    if value is None:
        return {}
    try:
        return segment_of({field: value}, contract)
    except CordInvalid:
        return {}


def bounded_versions(tx: Tx) -> Mapping[str, AutomationVersion]:
    """Return the version in force of each automation that declares a bound."""
    found = {}
    for newest in decisions.newest_versions(tx):
        release = decisions.released(tx, newest.name)
        version = newest if release is None else decisions.version(tx, newest.name, release.version)
        if version.description["risk"] is not None:
            found[version.name] = version
    return found
