"""Guardrails: the watched figures of a rollout, with their margins and tests. Pure.

All tests of harm share the plan's error budget. A promotion needs every required guardrail, so each is tested at the
whole level of promotions (an intersection of unions, Berger 1982). To grow to a share `s`, it suffices that the line as
a whole worsens by no more than the margin: the candidate must be within `margin / s`. The last step needs the margin
itself. These hypotheses are nested and tested in a fixed order, so the level holds for all stages together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from andon.authoring import (
    GUARDRAILS,
    QUANTILE_GUARDRAILS,
    RATE_GUARDRAILS,
    Guardrail,
    RolloutPlan,
    ServiceLevel,
)
from andon.statistics.mean_differences import MeanDifferenceTest
from andon.statistics.quantile_sequences import QuantileTest
from andon.statistics.rate_ratios import RateRatioTest

LATENCY = "latency"
"""The name of the values whose quantiles are watched: seconds until the answer."""

LARGEST_FLOOR = 0.5
"""The highest absolute limit of a rate, however small the share."""

BELOW_RATIOS = (0.02, 0.1, 0.3, 0.6)
BELOW_WEIGHTS = (0.25, 0.25, 0.25, 0.25)
"""Odds, as fractions of the limit's, on which a test of "the rate is at least the limit" bets."""


class GuardrailKind(StrEnum):
    """Kinds of guardrails: a rate, mean or quantile compared with the control's, or a share with its own limit."""

    RATE = "rate"
    MEAN = "mean"
    QUANTILE = "quantile"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class WatchedGuardrail:
    """One guardrail of a rollout. `alpha` is its part of the budget for harm; one that only informs has none.

    A rate with a `floor` is good enough below it, whatever the control's, so a line without errors need not wait for
    one.
    """

    name: str
    kind: GuardrailKind
    what: str
    margin: float
    required: bool
    alpha: float
    promotion: float
    floor: float | None = None
    better: Literal["lower", "higher"] = "lower"
    rolls_back: bool = True

    @property
    def of_cases(self) -> bool:
        """Whether it counts cases: decisions that somebody looked at, at the same age."""
        return self.name == "wrong"

    @property
    def relative_alpha(self) -> float:
        """The level of the comparison with the control: half of it if the floor is an alternative."""
        return self.promotion if self.floor is None else self.promotion / 2

    def harm_by_rate(self) -> RateRatioTest:
        """Test of harm by events: those of the candidate, or those of a share with a limit."""
        return RateRatioTest.harm(self.alpha)

    def sound_by_rate(self, share: float) -> RateRatioTest:
        """Test that the candidate's rate is within its margin at a share, in percent."""
        return RateRatioTest.non_inferior(self.margin * 100 / share, self.relative_alpha)

    def harm_by_mean(self) -> MeanDifferenceTest:
        """Test that the candidate's mean is worse than the margin allows."""
        return MeanDifferenceTest(self._factor(self.margin), 1, self.alpha)

    @property
    def source(self) -> str:
        """The name of the values that it counts; quantiles share one."""
        return LATENCY if self.kind is GuardrailKind.QUANTILE else self.name

    @property
    def quantile(self) -> float:
        """The share of values below the quantile."""
        return QUANTILE_GUARDRAILS[self.name]

    def harm_by_quantile(self) -> QuantileTest:
        """Test that the candidate's quantile is worse than the margin allows."""
        return QuantileTest.harm(self.quantile, self.alpha, self.margin)

    def sound_by_quantile(self, share: float) -> QuantileTest:
        """Test that the candidate's quantile is within its margin at a share, in percent."""
        return QuantileTest.non_inferior(self.quantile, self.margin * 100 / share, self.promotion)

    def sound_by_mean(self, share: float) -> MeanDifferenceTest:
        """Test that the candidate's mean is within its margin at a share, in percent."""
        return MeanDifferenceTest(self._factor(self.margin * 100 / share), -1, self.promotion)

    def limit_at(self, share: float) -> float:
        """Return the rate below which the candidate is good enough at a share, in percent."""
        return self.margin if self.floor is None else min(self.floor * 100 / share, LARGEST_FLOOR)

    def below_limit(self) -> RateRatioTest:
        """Test that a rate is below a limit: with the limit as the share, one that equals it has an odds ratio of 1."""
        level = self.promotion if self.floor is None else self.promotion / 2
        return RateRatioTest(1.0, BELOW_RATIOS, BELOW_WEIGHTS, level)

    def _factor(self, margin: float) -> float:
        """Higher is better: the values are negated, and the candidate may have `margin` less."""
        return 1.0 + margin if self.better == "lower" else max(1.0 - margin, 0.0)


@dataclass(frozen=True, slots=True)
class _Usual:
    what: str
    margin: float
    required: bool


_USUAL: Mapping[str, _Usual] = {
    "errors": _Usual("decisions that the version could not make", 0.5, True),
    "slow": _Usual("answers slower than the service level", 0.5, True),
    "overrides": _Usual("predictions that a reviewer overrode", 0.5, False),
    "wrong": _Usual("wrong predictions among decisions that somebody looked at", 0.5, False),
    "disagreement": _Usual("decisions on which the candidate as a shadow would have chosen another outcome", 0.2, True),
    "expected-error": _Usual("the error that the scores themselves predict", 0.5, False),
    "calibration": _Usual("the squared error of confidences, where labels are known (Brier)", 0.5, False),
    "cost": _Usual("milliseconds of CPU a decision", 1.0, False),
}

_LATENCY_MARGIN = 0.2

INFORMING = frozenset({"overrides"})
"""Guardrails that are tested only if a plan names them: they depend on who is asked, not only on who is right."""

EVENLY = frozenset({"cost"})
"""Guardrails that are compared only while the traffic is split evenly."""


def guardrails_of(plan: RolloutPlan, service: ServiceLevel) -> list[WatchedGuardrail]:
    """Return the guardrails of a plan; those of the service level are good enough if its target is met."""
    given = {one.name: one for one in plan.guardrails}
    names = [name for name in _USUAL if name not in plan.off] + [name for name in given if name not in _USUAL]
    tested = [name for name in names if name in given or name not in INFORMING]
    alpha = plan.harm / max(len(tested), 1)
    floor = 1.0 - service.share
    return [_watched(name, given.get(name), alpha, plan.promotion, floor) for name in names]


def _watched(name: str, given: Guardrail | None, alpha: float, promotion: float, floor: float) -> WatchedGuardrail:
    usual, informs = _usual_of(name), given is None and name in INFORMING
    return WatchedGuardrail(
        name=name,
        kind=_kind_of(name),
        what=usual.what,
        margin=usual.margin if given is None or given.margin is None else given.margin,
        required=usual.required if given is None or given.required is None else given.required,
        alpha=alpha,
        promotion=promotion,
        floor=floor if name in ("errors", "slow") else None,
        better="lower" if given is None else given.better,
        rolls_back=not informs,
    )


def _usual_of(name: str) -> _Usual:
    if name in QUANTILE_GUARDRAILS:
        return _Usual(f"the latency that {QUANTILE_GUARDRAILS[name]:.0%} of answers meet", _LATENCY_MARGIN, False)
    return _USUAL.get(name, _Usual(f"the measure {name}", 0.1, False))


def _kind_of(name: str) -> GuardrailKind:
    if name in RATE_GUARDRAILS:
        return GuardrailKind.RATE
    if name in QUANTILE_GUARDRAILS:
        return GuardrailKind.QUANTILE
    return GuardrailKind.LIMIT if name == "disagreement" else GuardrailKind.MEAN


def of_measures(watched: Sequence[WatchedGuardrail]) -> list[str]:
    """Return the names of the guardrails that are business measures."""
    usual = {*GUARDRAILS, *QUANTILE_GUARDRAILS}
    return [one.name for one in watched if one.name not in usual]
