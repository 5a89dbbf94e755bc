"""scikit-learn models from skops files, whose types are checked before anything is built; pickles only when trusted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import skops.io

from .errors import ModelUnreadable
from .outputs import Matrix, probabilities_of
from .plain_types import PLAIN_TYPES


class SklearnPredictor:
    """A classifier with `predict_proba`."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, matrix: Matrix) -> Matrix:
        """Raw probabilities [rows, classes]."""
        return probabilities_of(self._model.predict_proba(matrix))


def open_model(file: Path, *, trusted: bool, signature: Mapping[str, Any]) -> SklearnPredictor:
    """Load a skops file, or a joblib file if whoever registered it accepted that it may run code."""
    del signature
    if file.suffix == ".skops":
        allowed = skops.io.get_untrusted_types(file=file) if trusted else sorted(PLAIN_TYPES)
        return SklearnPredictor(skops.io.load(file, trusted=allowed))
    if not trusted:
        raise ModelUnreadable(f"{file.name} is a pickle that was registered without trust; it is not loaded")
    return SklearnPredictor(joblib.load(file))
