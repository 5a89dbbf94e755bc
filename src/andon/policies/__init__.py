"""Policies: a decision table in YAML with CEL conditions becomes a pure function from facts to a ruling.

`parse` reads, `compile` checks against an automation's variables, `CompiledPolicy.evaluate` decides. No storage.
"""

from andon.policies.compiled import CompiledPolicy, check, compile, names_in  # noqa: A004 - a policy's verb
from andon.policies.domain import (
    ERROR,
    GIVEN,
    LINE_STOPPED,
    LINE_SUPERVISED,
    OTHERWISE,
    POLICY_ERROR,
    REVIEW,
    DecisionTable,
    Facts,
    Rule,
    Ruling,
    ValueKind,
)
from andon.policies.errors import PolicyInvalid
from andon.policies.kinds import kind_of, kind_of_value
from andon.policies.proof import unproven_rules
from andon.policies.reading import parse

__all__ = [
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
    "PolicyInvalid",
    "Rule",
    "Ruling",
    "ValueKind",
    "check",
    "compile",
    "kind_of",
    "kind_of_value",
    "names_in",
    "parse",
    "unproven_rules",
]
