"""MLflow models by their `python_function` flavour (extra `mlflow`). Loading one runs code, so it needs trust."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read when it is imported

import mlflow.pyfunc
import pandas

from .archive import Unpacked
from .columns import Decoder
from .errors import ModelUnreadable
from .outputs import Matrix, probabilities_given


class PyfuncPredictor:
    """A loaded MLflow model, called with a DataFrame of raw columns."""

    def __init__(self, model: Any, signature: Mapping[str, Any], unpacked: Unpacked) -> None:
        self._model = model
        self._decoder = Decoder(signature)
        self._classes = list(signature["classes"])
        self._unpacked = unpacked  # a model may read its artefacts whenever it likes

    def predict(self, matrix: Matrix) -> Matrix:
        """Raw probabilities [rows, classes]; a DataFrame whose columns are the classes is brought into their order."""
        output = self._model.predict(pandas.DataFrame(self._decoder(matrix)))
        if isinstance(output, pandas.DataFrame):
            if set(output.columns) == set(self._classes):
                output = output[self._classes]
            output = output.to_numpy()
        return probabilities_given(output)


def open_model(file: Path, *, trusted: bool, signature: Mapping[str, Any]) -> PyfuncPredictor:
    """Unpack the archive of a model's folder and load it."""
    if not trusted:
        raise ModelUnreadable(f"{file.name} is an MLflow model that was registered without trust; its code is not run")
    unpacked = Unpacked(file)
    return PyfuncPredictor(mlflow.pyfunc.load_model(str(unpacked.folder)), signature, unpacked)
