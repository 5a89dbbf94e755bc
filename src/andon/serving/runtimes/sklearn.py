"""scikit-learn models from skops files, whose types are checked before anything is built; pickles only when trusted."""

from pathlib import Path
from typing import Any

import joblib
import skops.io

from andon.models import PLAIN_TYPES, Matrix, probabilities_of
from andon.serving.errors import EndpointUnavailable


class SklearnPredictor:
    """A classifier with `predict_proba`."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, matrix: Matrix) -> Matrix:
        """Raw probabilities [rows, classes]."""
        return probabilities_of(self._model.predict_proba(matrix))


def open_model(file: Path, *, trusted: bool) -> SklearnPredictor:
    """Load a skops file, or a joblib file if whoever registered it accepted that it may run code."""
    if file.suffix == ".skops":
        allowed = skops.io.get_untrusted_types(file=file) if trusted else sorted(PLAIN_TYPES)
        return SklearnPredictor(skops.io.load(file, trusted=allowed))
    if not trusted:
        raise EndpointUnavailable(f"{file.name} is a pickle that was registered without trust; it is not loaded")
    return SklearnPredictor(joblib.load(file))
