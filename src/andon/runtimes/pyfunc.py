"""MLflow models by their `python_function` flavour (extra `mlflow`). Loading one runs code, so it needs trust."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read at import

import mlflow.pyfunc
import pandas
import yaml

from .archive import Unpacked
from .columns import Decoder
from .errors import ModelUnreadable
from .frames import frame_of
from .outputs import Matrix, probabilities_given


class PyfuncPredictor:
    """A loaded MLflow model, called with a DataFrame of raw columns."""

    def __init__(self, model: Any, signature: Mapping[str, Any], unpacked: Unpacked) -> None:
        self._model = model
        self._decoder = Decoder(signature)
        self._classes = list(signature["classes"])
        self._unpacked = unpacked  # a model may read its artefacts at any time

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]; a DataFrame with classes as columns is put into their order."""
        output = self._model.predict(frame_of(self._decoder(matrix), missing=None))
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
    _allow_missing(unpacked.folder / "MLmodel")
    return PyfuncPredictor(mlflow.pyfunc.load_model(str(unpacked.folder)), signature, unpacked)


def _allow_missing(file: Path) -> None:
    """Declare columns of whole numbers as doubles in the unpacked copy, since MLflow refuses missing whole numbers.

    A value may be missing in service. An inferred signature has such columns wherever the sample had no missing value.
    A whole number as a double is the same number.
    """
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    given = (document.get("signature") or {}).get("inputs")
    if not given:
        return
    columns = json.loads(given)
    for column in columns:
        if column.get("type") in ("integer", "long"):
            column["type"] = "double"
    document["signature"]["inputs"] = json.dumps(columns)
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
