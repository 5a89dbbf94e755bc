"""What a runtime must do."""

from typing import Protocol

from andon.models import Matrix


class Predictor(Protocol):
    """A loaded model file. Uses one thread of its own at most."""

    def predict(self, matrix: Matrix) -> Matrix:
        """Raw probabilities [rows, classes] of an encoded batch; NaN is missing."""
        ...
