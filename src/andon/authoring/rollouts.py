"""Rollout plans: the steps in which a new model version or policy takes over, and the guardrails on the way."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from andon.authoring.errors import DeclarationInvalid

RATE_GUARDRAILS = ("errors", "slow", "overrides", "wrong")
"""Guardrails on the rate of an event."""

MEAN_GUARDRAILS = ("expected-error", "calibration", "cost")
"""Guardrails on a mean over decisions."""

GUARDRAILS = (*RATE_GUARDRAILS, "disagreement", *MEAN_GUARDRAILS)
"""The guardrails of every rollout. A plan may add guardrails on latency quantiles and business measures."""

QUANTILE_GUARDRAILS: Mapping[str, float] = {
    "latency-p50": 0.5,
    "latency-p90": 0.9,
    "latency-p95": 0.95,
    "latency-p99": 0.99,
}
"""Guardrails on a quantile of the latency, which a plan may add."""

LEAST_QUANTILE_MARGIN = 0.02
"""Latencies are counted in bins of 2%, so no margin of a quantile is smaller."""

MOST_LABELS = 10_000
"""The most labels that a rollout may ask people for."""

PLANS = ("canary", "shadow", "ab")

_STEPS: Mapping[str, tuple[float, ...]] = {"canary": (5.0, 25.0, 50.0, 100.0), "shadow": (), "ab": (50.0, 100.0)}
_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,62}$")


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One measure that a rollout watches, with settings other than the default: `Guardrail("errors", margin=0.2)`.

    `margin` is how much worse the candidate may be, relative to the champion's figure: 0.2 is 20%. For `disagreement`
    it is the largest share of decisions that may differ. Promotion waits until each `required` guardrail is shown to be
    within its margin. `better` is the good direction of a business measure; the champion's mean must be above 0.
    A name is one of GUARDRAILS, a quantile of the latency such as `latency-p99`, or a measure of the automation.
    """

    name: str
    margin: float | None = None
    required: bool | None = None
    better: Literal["lower", "higher"] = "lower"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.match(self.name):
            raise DeclarationInvalid(f"Guardrail {self.name!r}: a name is lower-case letters, digits, '-' and '_'")
        if self.margin is not None and (not _is_number(self.margin) or not 0 < self.margin < float("inf")):
            raise self._wrong("margin must be a number above 0", self.margin)
        if self.margin is not None and self.margin >= 1 and (self.name == "disagreement" or self.better == "higher"):
            raise self._wrong("margin must be below 1 here", self.margin)
        if self.required not in (None, True, False):
            raise self._wrong("required must be True or False", self.required)
        if self.better not in ("lower", "higher"):
            raise self._wrong("better must be 'lower' or 'higher'", self.better)
        if self.name in QUANTILE_GUARDRAILS and self.margin is not None and self.margin < LEAST_QUANTILE_MARGIN:
            raise self._wrong(f"margin must be at least {LEAST_QUANTILE_MARGIN} for a quantile", self.margin)
        if self.name in (*GUARDRAILS, *QUANTILE_GUARDRAILS) and self.better != "lower":
            raise self._wrong("better must be 'lower' for all but business measures", self.better)

    def _wrong(self, expected: str, value: object) -> DeclarationInvalid:
        return DeclarationInvalid(f"Guardrail {self.name!r}: {expected}, got {value!r}")


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """The way in which candidates take over: `RolloutPlan(steps=(5, 25, 50, 100), approval=True)`.

    Every plan begins with shadows. `canary` then goes through `steps`, in percent of traffic; the last, 100, makes the
    candidate the champion. `shadow` ends before any traffic. `ab` compares at 50 percent.

    `unit` is the unit that is drawn: the automation's `subject`, or each `decision` by itself. A stage takes at least
    `stage_decisions` decisions of the candidate and `stage_time`. After `dead_man` without a watching worker, the
    candidate gets no traffic. With `approval`, a person approves the start. With `four_eyes`, the person who approves
    or promotes by hand must not be the one who started it.

    At most `labels` times, where the shadow predicts another class than the champion, a person is asked which is right:
    in the least number of decisions and time of the shadow stage, which then waits for the answers.

    `harm` is the largest probability of ever rolling back a candidate that is no worse. `promotion` is the largest
    probability of promoting one that is worse than the margin of a guardrail.
    """

    kind: Literal["canary", "shadow", "ab"] = "canary"
    steps: Sequence[float] = ()
    guardrails: Sequence[Guardrail] = ()
    off: Sequence[str] = ()
    unit: Literal["subject", "decision"] = "subject"
    stage_decisions: int = 200
    stage_time: timedelta = timedelta(minutes=10)
    dead_man: timedelta = timedelta(seconds=30)
    approval: bool = False
    four_eyes: bool = False
    labels: int = 0
    harm: float = 0.01
    promotion: float = 0.05
    stages: tuple[float, ...] = field(init=False, compare=False)
    """The percentage of traffic in each stage; the first, 0, is the stage of the shadows."""

    def __post_init__(self) -> None:
        if self.kind not in PLANS:
            raise DeclarationInvalid(f"RolloutPlan: kind must be one of {', '.join(PLANS)}, got {self.kind!r}")
        if self.unit not in ("subject", "decision"):
            raise DeclarationInvalid(f"RolloutPlan: unit must be 'subject' or 'decision', got {self.unit!r}")
        self._check_steps()
        self._check_guardrails()
        if not isinstance(self.stage_decisions, int) or self.stage_decisions < 1:
            raise DeclarationInvalid(f"RolloutPlan: stage_decisions must be at least 1, got {self.stage_decisions!r}")
        if not isinstance(self.labels, int) or isinstance(self.labels, bool) or not 0 <= self.labels <= MOST_LABELS:
            expected = f"labels must be a whole number from 0 to {MOST_LABELS:,}"
            raise DeclarationInvalid(f"RolloutPlan: {expected}, got {self.labels!r}")
        for name, least in (("stage_time", timedelta(0)), ("dead_man", timedelta(seconds=2))):
            span = getattr(self, name)
            if not isinstance(span, timedelta) or span < least:
                raise DeclarationInvalid(f"RolloutPlan: {name} must be a timedelta of at least {least}, got {span!r}")
        for name in ("harm", "promotion"):
            level = getattr(self, name)
            if not _is_number(level) or not 0 < level < 0.5:
                raise DeclarationInvalid(f"RolloutPlan: {name} must be between 0 and 0.5, got {level!r}")
        for name in ("approval", "four_eyes"):
            if not isinstance(getattr(self, name), bool):
                raise DeclarationInvalid(f"RolloutPlan: {name} must be True or False, got {getattr(self, name)!r}")

    def of_kind(self, kind: str) -> "RolloutPlan":
        """Return the same plan of another kind, with the steps of that kind."""
        return self if kind == self.kind else replace(self, kind=kind, steps=())  # type: ignore[arg-type]

    def described(self) -> dict[str, Any]:
        """Describe it as JSON values, which are stored with the automation's version and with each rollout."""
        return {
            "kind": self.kind,
            "steps": list(self.steps),
            "guardrails": [_described(one) for one in self.guardrails],
            "off": list(self.off),
            "unit": self.unit,
            "stage_decisions": self.stage_decisions,
            "stage_seconds": self.stage_time.total_seconds(),
            "dead_man_seconds": self.dead_man.total_seconds(),
            "approval": self.approval,
            "four_eyes": self.four_eyes,
            "labels": self.labels,
            "harm": self.harm,
            "promotion": self.promotion,
        }

    @classmethod
    def from_description(cls, kept: Mapping[str, Any]) -> "RolloutPlan":
        """Read what `described` wrote."""
        return cls(
            kind=kept["kind"],
            steps=kept["steps"],
            guardrails=[Guardrail(**one) for one in kept["guardrails"]],
            off=kept["off"],
            unit=kept["unit"],
            stage_decisions=kept["stage_decisions"],
            stage_time=timedelta(seconds=kept["stage_seconds"]),
            dead_man=timedelta(seconds=kept["dead_man_seconds"]),
            approval=kept["approval"],
            four_eyes=kept["four_eyes"],
            labels=kept["labels"],
            harm=kept["harm"],
            promotion=kept["promotion"],
        )

    def _check_steps(self) -> None:
        steps = self.steps if self.steps else _STEPS[self.kind]
        if not isinstance(steps, list | tuple) or not all(_is_number(one) for one in steps):
            raise DeclarationInvalid(
                f"RolloutPlan: steps must be a list of percentages, such as (5, 25, 50, 100), got {steps!r}"
            )
        plain = tuple(float(one) for one in steps)
        if self.kind == "shadow" and plain:
            raise DeclarationInvalid("RolloutPlan: a plan of kind 'shadow' has no steps: its candidate gets no traffic")
        if any(not 0 < one <= 100 or round(one, 2) != one for one in plain) or list(plain) != sorted(set(plain)):
            raise DeclarationInvalid(f"RolloutPlan: steps must rise, each above 0 and at most 100, got {steps!r}")
        if plain and plain[-1] != 100:
            raise DeclarationInvalid(
                f"RolloutPlan: the last step must be 100, at which the candidate takes over, got {steps!r}"
            )
        if len(plain) == 1:
            raise DeclarationInvalid("RolloutPlan: at 100 nothing is left to compare with: add a step before it")
        object.__setattr__(self, "steps", plain)
        object.__setattr__(self, "stages", (0.0, *plain))

    def _check_guardrails(self) -> None:
        for name, kind in (("guardrails", Guardrail), ("off", str)):
            many = getattr(self, name)
            if not isinstance(many, list | tuple) or not all(isinstance(one, kind) for one in many):
                raise DeclarationInvalid(
                    f"RolloutPlan: {name} must be a list, each item a {kind.__name__}, got {many!r}"
                )
            object.__setattr__(self, name, tuple(many))
        names = [one.name for one in self.guardrails]
        if len(set(names)) != len(names):
            raise DeclarationInvalid("RolloutPlan: a guardrail occurs twice")
        unknown = [name for name in self.off if name not in GUARDRAILS]
        if unknown:
            raise DeclarationInvalid(
                f"RolloutPlan: unknown guardrail {unknown[0]!r}; expected one of {', '.join(GUARDRAILS)}"
            )
        if self.labels and "wrong" in self.off:
            raise DeclarationInvalid("RolloutPlan: labels are for the guardrail 'wrong', which is switched off")
        both = [name for name in self.off if name in names]
        if both:
            raise DeclarationInvalid(f"RolloutPlan: {both[0]!r} is both switched off and set")


def _described(one: Guardrail) -> dict[str, Any]:
    return {
        "name": one.name,
        "margin": one.margin,
        "required": one.required,
        "better": one.better,
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
