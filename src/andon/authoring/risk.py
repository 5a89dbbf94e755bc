"""Risk: how often the automatic part of a line may be wrong."""

from dataclasses import dataclass

from andon.authoring.errors import DeclarationInvalid


@dataclass(frozen=True, slots=True)
class MaxError:
    """At most `target` of the automatic decisions may be wrong, held with probability `confidence`; both between 0 and 1."""

    target: float
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name, value in (("target", self.target), ("confidence", self.confidence)):
            if not 0 < value < 1:
                raise DeclarationInvalid(f"MaxError: {name} must lie between 0 and 1, got {value}")
