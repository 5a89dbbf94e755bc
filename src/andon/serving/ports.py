"""What a runtime must do."""

from typing import Protocol

from andon.models import Matrix


class Predictor(Protocol):
    """A loaded model file. Uses one thread of its own at most."""

    def predict(self, matrix: Matrix) -> Matrix:
        """Raw probabilities [rows, classes] of an encoded batch; NaN is missing."""
        ...


class PatientPredictor(Predictor, Protocol):
    """A model somewhere else: in processes of its own, or on another server. Predicting is waited for.

    `predict` blocks, for commands and replay; a gateway uses `predict_soon`.
    """

    @property
    def capacity(self) -> int:
        """How many batches may usefully be under way at once, now."""
        ...

    async def predict_soon(self, matrix: Matrix, *, within: float) -> Matrix:
        """Raw probabilities [rows, classes] within so many seconds. Raises PredictionFailed, PredictionTimedOut, EndpointBusy."""
        ...

    async def start(self) -> None:
        """Bring up what predicting needs, warm. Raises EndpointUnavailable."""
        ...

    async def close(self) -> None:
        """End what was begun; what is under way is finished first."""
        ...
