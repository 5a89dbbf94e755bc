"""Risk bounds: how often the automatic part of a line may be wrong, or how much its mistakes may cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from andon.authoring.errors import DeclarationInvalid


@dataclass(frozen=True, slots=True)
class MaxError:
    """At most `target` of the automatic decisions may be wrong, with probability `confidence`; both between 0 and 1.

    The error is wrong automatic decisions divided by all automatic decisions. Decisions that went to a person count in
    neither. `by` names a field of the contract; each of its values gets a gate of its own as soon as its labels
    suffice, and uses the gate of the whole line until then. `per_class` bounds the predictions of single classes
    instead of `target`: `{"fraud": 0.02, "honest": 0.001}` allows 2% false positives among those called fraud, and 0.1%
    missed fraud among those called honest. `local` also bounds the least certain automatic decisions: those in the band
    next to the threshold, a tenth of all decisions or more. Each gate holds with this `confidence` by itself.
    """

    target: float
    confidence: float = 0.95
    by: str | None = None
    per_class: Mapping[str, float] | None = None
    local: float | None = None

    def __post_init__(self) -> None:
        _check_shares("MaxError", (("target", self.target), ("confidence", self.confidence)))
        if self.by is not None and (not isinstance(self.by, str) or not self.by):
            raise DeclarationInvalid(f"MaxError: by must be the name of a field of the contract, got {self.by!r}")
        if self.per_class is not None:
            self._check_classes()
        if self.local is not None:
            self._check_local(self.local)

    def _check_classes(self) -> None:
        if not isinstance(self.per_class, Mapping) or not self.per_class:
            raise DeclarationInvalid(
                f"MaxError: per_class must be a dict from classes to bounds, got {self.per_class!r}"
            )
        for name, bound in self.per_class.items():
            if not isinstance(name, str) or not name:
                raise DeclarationInvalid(f"MaxError: per_class must name classes of the model, got {name!r}")
            _check_shares("MaxError", ((f"per_class[{name!r}]", bound),))

    def _check_local(self, local: float) -> None:
        _check_shares("MaxError", (("local", local),))
        highest = max([self.target, *self.targets.values()])
        if local < highest:
            raise DeclarationInvalid(
                "MaxError: local bounds the part with the most errors, so it must be at least the target "
                f"({highest:g}), got {local:g}"
            )

    @property
    def targets(self) -> Mapping[str, float]:
        """The bound of each predicted class that has its own."""
        return self.per_class or {}

    @property
    def highest(self) -> float:
        """The loss of the worst mistake, in the unit of the target."""
        return 1.0

    def loss(self, predicted: str, true: str | None) -> float:
        """Return the loss of one automatic decision: 1 if it was wrong, or nobody knows."""
        return float(predicted != true)


@dataclass(frozen=True, slots=True)
class MaxCost:
    """The mistakes of an automatic decision may cost `target` on average, with probability `confidence`.

    `costs` is the cost of each mistake, by predicted and true class: `{("fraud", "honest"): 5.0, ("honest", "fraud"):
    400.0}`. A mistake that is not named costs nothing, and so does a right decision. The mean is taken over all
    automatic decisions. Until there are labels, each mistake counts as the most expensive one: held-out evidence does
    not distinguish them.
    """

    target: float
    costs: Mapping[tuple[str, str], float]
    confidence: float = 0.95

    def __post_init__(self) -> None:
        _check_shares("MaxCost", (("confidence", self.confidence),))
        if not isinstance(self.costs, Mapping) or not self.costs:
            raise DeclarationInvalid('MaxCost: costs must be a dict such as {("fraud", "honest"): 5.0}, and not empty')
        for pair, cost in self.costs.items():
            _check_cost(pair, cost)
        if not _is_number(self.target) or not 0 < self.target < self.highest:
            raise DeclarationInvalid(
                f"MaxCost: target must be between 0 and the most expensive mistake, {self.highest:g}, got "
                f"{self.target!r}"
            )

    @property
    def by(self) -> None:
        """No field: one gate for the whole line."""
        return

    @property
    def local(self) -> None:
        """No bound near the threshold: a cost has one bound for the whole region."""
        return

    @property
    def targets(self) -> Mapping[str, float]:
        """The bounds of single classes: none."""
        return {}

    @property
    def highest(self) -> float:
        """The cost of the most expensive mistake."""
        return max(self.costs.values())

    def loss(self, predicted: str, true: str | None) -> float:
        """Return the cost of one automatic decision; if nobody knows its class, that of its dearest mistake."""
        if true is None:
            return max((cost for (called, _), cost in self.costs.items() if called == predicted), default=0.0)
        return 0.0 if predicted == true else self.costs.get((predicted, true), 0.0)


RiskBound: TypeAlias = MaxError | MaxCost
"""The bound of a risk gate."""


def _check_cost(pair: object, cost: object) -> None:
    if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(one, str) and one for one in pair):
        raise DeclarationInvalid(f"MaxCost: costs must be keyed by (predicted class, true class), got {pair!r}")
    if pair[0] == pair[1]:
        raise DeclarationInvalid(f"MaxCost: {pair!r} is not a mistake; a correct decision costs nothing")
    if not _is_number(cost) or not 0 < cost < float("inf"):  # type: ignore[operator]
        raise DeclarationInvalid(f"MaxCost: the cost of {pair!r} must be a number above 0, got {cost!r}")


def _check_shares(kind: str, named: Iterable[tuple[str, object]]) -> None:
    for name, value in named:
        if not _is_number(value) or not 0 < value < 1:  # type: ignore[operator]
            raise DeclarationInvalid(f"{kind}: {name} must be between 0 and 1, got {value}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
