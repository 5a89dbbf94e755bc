"""Policies: a decision table in YAML with CEL conditions becomes a pure function from facts to a ruling.

`parse` reads, `compile` checks against an automation's variables, `CompiledPolicy.evaluate` decides: none of them
stores anything. `service.py` keeps the published versions and the one in force.
"""

from andon.policies.compiled import CompiledPolicy, check, compile, names_in  # noqa: A004 - a policy's verb
from andon.policies.domain import (
    ALLOW,
    ASK,
    DENY,
    ERROR,
    GIVEN,
    LINE_STOPPED,
    LINE_SUPERVISED,
    OTHERWISE,
    POLICY_ERROR,
    REVIEW,
    DecisionTable,
    Facts,
    PolicySetting,
    PolicyVersion,
    Rule,
    Ruling,
    ValueKind,
)
from andon.policies.errors import FormulaInvalid, PolicyInvalid, PolicyNotFound
from andon.policies.formulas import Formula, RememberingFormula
from andon.policies.kinds import kind_of, kind_of_value
from andon.policies.proof import require_proof, rules_alone, rules_before_gate, unproven_rules
from andon.policies.published import PolicyPutInForce
from andon.policies.reading import parse
from andon.policies.service import find, get, history, hold, in_force, list_versions, publish, put_in_force

__all__ = [
    "ALLOW",
    "ASK",
    "DENY",
    "ERROR",
    "GIVEN",
    "LINE_STOPPED",
    "LINE_SUPERVISED",
    "OTHERWISE",
    "POLICY_ERROR",
    "REVIEW",
    "CompiledPolicy",
    "DecisionTable",
    "Facts",
    "Formula",
    "FormulaInvalid",
    "PolicyInvalid",
    "PolicyNotFound",
    "PolicyPutInForce",
    "PolicySetting",
    "PolicyVersion",
    "RememberingFormula",
    "Rule",
    "Ruling",
    "ValueKind",
    "check",
    "compile",
    "find",
    "get",
    "history",
    "hold",
    "in_force",
    "kind_of",
    "kind_of_value",
    "list_versions",
    "names_in",
    "parse",
    "publish",
    "put_in_force",
    "require_proof",
    "rules_alone",
    "rules_before_gate",
    "unproven_rules",
]
