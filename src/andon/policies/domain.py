"""A decision table and its results: rules, outcomes, rulings. Pure, independent of YAML and CEL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct

from andon.policies.places import ConditionPlace

REVIEW = "review"
"""The outcome that hands a decision to a person."""

ALLOW, DENY, ASK = "allow", "deny", "ask"
"""The outcomes of a policy about tool calls, in which `ask` is another word for `review`."""

OTHERWISE = "otherwise"
"""The rule id of a ruling that no rule made."""

ERROR = "error"
"""The rule id of a ruling that could not be made."""

LINE_SUPERVISED = "line-supervised"
"""The rule id where a person decides because the line is supervised, whatever the policy said."""

LINE_STOPPED = "line-stopped"
"""The rule id of the owner's fallback outcome while the line is stopped."""

RESERVED = frozenset({OTHERWISE, ERROR, LINE_SUPERVISED, LINE_STOPPED})
"""Rule ids that no rule of a table may have."""

POLICY_ERROR = "POLICY_ERROR"
"""The reason of a ruling that could not be made."""


Facts: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]
"""The input, features, prediction and risk of one decision."""

ROOTS = ("input", "features", "prediction", "risk")


class ValueKind(StrEnum):
    """The operations that a condition may use on a variable. The OPTIONAL ones may also be compared with `null`."""

    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    TIME = "time"
    STRINGS = "list of strings"
    NUMBERS = "list of numbers"
    NUMBERS_BY_NAME = "numbers by name"
    OPTIONAL_NUMBER = "number or null"
    OPTIONAL_STRING = "string or null"
    OPTIONAL_BOOLEAN = "boolean or null"
    OPTIONAL_TIME = "time or null"
    ANY = "anything"


GIVEN: Mapping[str, ValueKind] = {
    "prediction.score": ValueKind.NUMBER,
    "prediction.label": ValueKind.STRING,
    "prediction.confidence": ValueKind.NUMBER,
    "prediction.probabilities": ValueKind.NUMBERS_BY_NAME,
    "risk.certain": ValueKind.BOOLEAN,
    "risk.threshold": ValueKind.NUMBER,
    "risk.target": ValueKind.NUMBER,
}
"""The variables every policy has; `input.*` and `features.*` depend on the automation, `lists.*` on the table."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a table: when `when` holds, the outcome is `then`."""

    id: str
    when: str
    then: str
    reasons: tuple[str, ...]
    unproven: bool = field(default=False, kw_only=True)
    """Whether its author accepts that it acts on predictions whose risk the gate does not bound."""
    place: ConditionPlace = field(compare=False, repr=False)

    @property
    def line(self) -> int:
        """The line of the file on which the condition begins."""
        return self.place.line


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """A policy as written. The first rule whose condition holds decides; `otherwise` decides when none does."""

    outcomes: tuple[str, ...]
    rules: tuple[Rule, ...]
    otherwise: str
    lists: Mapping[str, tuple[str, ...]]
    description: str
    version: str
    source: str
    warnings: tuple[str, ...] = ()


class Ruling(Struct, frozen=True, gc=False, cache_hash=True):
    """The result of a policy for one decision. With an `error` the outcome is always `review`."""

    outcome: str
    rule: str
    reasons: tuple[str, ...]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A published policy of one automation, immutable. `digest` covers all that decides; `version` is its beginning."""

    automation: str
    version: str
    digest: str
    text: str
    published_by: str
    reason: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class PolicySetting:
    """One change of the policy in force: the newest of an automation holds. `before` is the version it replaced."""

    automation: str
    number: int
    version: str
    before: str | None
    set_by: str
    reason: str
    set_at: datetime
