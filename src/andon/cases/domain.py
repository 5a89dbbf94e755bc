"""A case as values: a named input, its features and prediction, and the expected decision. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Probability = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CasePrediction(_Strict):
    """A prediction, recorded or assumed. For two classes the score is that of the positive one."""

    score: Probability
    label: str | None = None
    confidence: Probability | None = None
    probabilities: dict[str, Probability] | None = None


class CaseRisk(_Strict):
    """The answer of the risk gate: stated directly, or by a threshold."""

    certain: bool | None = None
    threshold: Annotated[float, Field(ge=0, le=2)] | None = None
    target: Annotated[float, Field(ge=0)] = 1.0

    @model_validator(mode="after")
    def _one_of_them(self) -> "CaseRisk":
        if (self.certain is None) == (self.threshold is None):
            raise ValueError("give either `certain` or `threshold`")
        return self


class ScoreBounds(_Strict):
    """The bounds of a score."""

    at_least: Probability = 0.0
    at_most: Probability = 1.0


class ExpectedDecision(_Strict):
    """The expected decision. An omitted part may be anything."""

    outcome: str
    rule: str | None = None
    reasons: list[str] | None = None
    score: ScoreBounds | None = None


class DecisionCase(_Strict):
    """One named case."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    input: dict[str, Any]
    features: dict[str, Any] = {}
    prediction: CasePrediction | None = None
    risk: CaseRisk | None = None
    expect: ExpectedDecision


@dataclass(frozen=True, slots=True)
class FiledCase:
    """A case, its automation and its file."""

    automation: str
    file: str
    case: DecisionCase


@dataclass(frozen=True, slots=True)
class CaseDifference:
    """One difference from the expected decision, in words."""

    what: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of a case. `error` is the reason why nothing could be decided."""

    of: FiledCase
    differences: tuple[CaseDifference, ...] = ()
    error: str | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return self.error is None and not self.differences


@dataclass(frozen=True, slots=True)
class MadeDecision:
    """The parts of a decision that a case may expect."""

    outcome: str
    rule: str
    reasons: Sequence[str]
    score: float | None


def differences_of(expected: ExpectedDecision, made: MadeDecision) -> tuple[CaseDifference, ...]:
    """Return the differences between a decision and the expected one."""
    found = []
    if made.outcome != expected.outcome:
        found.append(CaseDifference("outcome", expected.outcome, made.outcome))
    if expected.rule is not None and made.rule != expected.rule:
        found.append(CaseDifference("rule", expected.rule, made.rule))
    if expected.reasons is not None and list(made.reasons) != expected.reasons:
        found.append(CaseDifference("reasons", _listed(expected.reasons), _listed(made.reasons)))
    bounds = expected.score
    if bounds is not None and (made.score is None or not bounds.at_least <= made.score <= bounds.at_most):
        got = "none" if made.score is None else f"{made.score:.6g}"
        found.append(CaseDifference("score", f"{bounds.at_least:.6g} to {bounds.at_most:.6g}", got))
    return tuple(found)


def _listed(reasons: Sequence[str]) -> str:
    return f"[{', '.join(reasons)}]"
