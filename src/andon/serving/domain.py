"""What a model says about one row, and whether that is safe enough to act on without a person."""

from collections.abc import Mapping
from dataclasses import dataclass

ALWAYS = 0.0
"""The threshold under which no confidence lies."""

NEVER = 2.0
"""The threshold that no confidence reaches."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated probabilities and what follows from them.

    Of two classes the score is P(positive) and the confidence P(label); of more, both are P(label).
    """

    score: float
    label: str
    confidence: float
    probabilities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RiskGate:
    """The least confidence at which predictions are proven to be wrong at most `target` of the time.

    At `NEVER` none is proven safe: nothing is certain.
    """

    threshold: float
    target: float

    def certain(self, prediction: Prediction) -> bool:
        """Whether this prediction may be acted on automatically."""
        return prediction.confidence >= self.threshold
