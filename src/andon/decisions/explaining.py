"""Reasons for the class of a recorded decision, computed again from what the model saw then. Nothing is stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from andon.decisions.contract import Contract
from andon.decisions.domain import DecisionRecord
from andon.decisions.errors import InputInvalid, InputMalformed, NotExplained
from andon.decisions.recorded import RecordedDecision, RecordReader
from andon.serving import Contribution, LoadedVersion


@dataclass(frozen=True, slots=True)
class Explanation:
    """The contributions to the class `label` against all others, the greatest first; negative ones count against it."""

    decision_id: UUID
    model: str
    model_version: int
    label: str
    contributions: tuple[Contribution, ...]

    def strongest(self, most: int) -> "tuple[Contribution, ...]":
        """Return the greatest contributions."""
        return self.contributions[:most]


Explain: TypeAlias = Callable[[DecisionRecord], Explanation]
"""Explains a decision in this process. Raises NotExplained, or the error that keeps its model from being loaded."""


def read_for_explaining(record: DecisionRecord) -> RecordedDecision:
    """Return a decision that can be explained. Raises NotExplained for one without a prediction."""
    decision = RecordReader().take(record.record)
    if decision.prediction is None:
        raise NotExplained(f"Decision {decision.id} has no prediction to explain: {decision.policy.rule} decided")
    return decision


def explain(decision: RecordedDecision, contract: Contract, loaded: LoadedVersion) -> Explanation:
    """Explain a decision by the version that predicted it. Raises NotExplained."""
    model, prediction = decision.line.model, decision.prediction
    if prediction is None:
        raise NotExplained(f"Decision {decision.id} has no prediction to explain")
    try:
        given: Mapping[str, Any] = contract.read(decision.input)
    except (InputMalformed, InputInvalid) as error:
        raise NotExplained(
            f"The input of decision {decision.id} does not fit the contract of the code here: {error}"
        ) from error
    found = loaded.contributions({**given, **decision.features}, prediction.label)
    if found is None:
        raise NotExplained(
            f"{model.name} {model.version} cannot be explained: LightGBM's models can, and so can those "
            "whose last"
            " step is linear"
        )
    return Explanation(decision.id, model.name, model.version, prediction.label, tuple(found))
