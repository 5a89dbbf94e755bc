"""scikit-learn models from skops files, whose types are checked before anything is built; pickles only when trusted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import skops.io

from .columns import Decoder
from .errors import ModelUnreadable
from .frames import frame_of
from .linear import WeightedPart, linear_parts
from .outputs import Matrix, probabilities_of
from .plain_types import PLAIN_TYPES

_TIME_WIDTH = 3


class SklearnPredictor:
    """A classifier with `predict_proba` that was fitted on the encoded matrix."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]."""
        return probabilities_of(self._model.predict_proba(matrix))


class FramePredictor:
    """A classifier that was fitted on a DataFrame of raw columns, which a `ColumnTransformer` takes by name."""

    def __init__(self, model: Any, names: Sequence[str], signature: Mapping[str, Any]) -> None:
        self._model, self._names, self._decoder = model, list(names), Decoder(signature)

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]."""
        return probabilities_of(self._model.predict_proba(frame_of(self._decoder(matrix))[self._names]))

    def parts(self, matrix: Matrix, chosen: Sequence[int]) -> list[list[WeightedPart]] | None:
        """Return the contributions to these columns of its answers, if it is linear."""
        explain, columns = linear_parts(self._model), self._decoder(matrix)
        return None if explain is None else explain(frame_of(columns)[self._names], columns, chosen)


class TextPredictor:
    """A classifier that was fitted on the texts of one column."""

    def __init__(self, model: Any, name: str, signature: Mapping[str, Any]) -> None:
        self._model, self._name, self._decoder = model, name, Decoder(signature)

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]."""
        return probabilities_of(self._model.predict_proba(self._decoder(matrix)[self._name]))

    def parts(self, matrix: Matrix, chosen: Sequence[int]) -> list[list[WeightedPart]] | None:
        """Return the contributions to these columns of its answers, if it is linear."""
        explain, columns = linear_parts(self._model, self._name), self._decoder(matrix)
        return None if explain is None else explain(columns[self._name], columns, chosen)


def open_model(
    file: Path, *, trusted: bool, signature: Mapping[str, Any]
) -> SklearnPredictor | FramePredictor | TextPredictor:
    """Load a skops file, or a joblib file whose registrant accepted that it may run code."""
    if file.suffix == ".skops":
        allowed = skops.io.get_untrusted_types(file=file) if trusted else sorted(PLAIN_TYPES)
        model = skops.io.load(file, trusted=allowed)
    elif trusted:
        model = joblib.load(file)
    else:
        raise ModelUnreadable(f"{file.name} is a pickle that was registered without trust; it is not loaded")
    return _by_names(model, signature) or _of_text(model, signature) or SklearnPredictor(model)


def _by_names(model: Any, signature: Mapping[str, Any]) -> FramePredictor | None:
    """Return the model if it takes raw columns by name; None if it takes the matrix.

    A model fitted on a frame of codes has the same names, so it is tried: only one that takes the raw values is asked
    with them. Where all columns are numbers the two are the same, and the matrix is cheaper.
    """
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    features = signature["features"]
    if not names or not set(names) <= {feature["name"] for feature in features}:
        return None
    row = np.zeros((1, sum(_TIME_WIDTH if feature["kind"] == "time" else 1 for feature in features)))
    if any(feature["kind"] == "text" for feature in features):
        return FramePredictor(model, names, signature)
    if all(feature["kind"] == "number" for feature in features) and _takes(model.predict_proba, row):
        return None
    by_names = FramePredictor(model, names, signature)
    return by_names if _takes(by_names.predict, row) else None


def _of_text(model: Any, signature: Mapping[str, Any]) -> TextPredictor | None:
    """Return the model if its only input is one text; None for any other."""
    kinds = [feature["kind"] for feature in signature["features"]]
    if kinds == ["text"]:
        return TextPredictor(model, signature["features"][0]["name"], signature)
    if "text" in kinds:
        raise ModelUnreadable(
            "The model takes a text among other columns and does not know their names: fit it on a DataFrame"
        )
    return None


def _takes(ask: Any, row: Matrix) -> bool:
    try:
        ask(row)
    except ModelUnreadable:
        raise
    except Exception:  # noqa: BLE001 - whatever a library raises means that it does not take such a row
        return False
    return True
