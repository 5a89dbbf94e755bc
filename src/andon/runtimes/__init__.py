"""The runtimes of model files, one module per library, each imported only when a model needs it.

This folder is also loaded in foreign environments that have no Andon: its modules import numpy, the standard library,
their own library and each other (relatively), nothing else. There it is loaded by its path, so that its siblings do not
get onto `sys.path`: `spec_from_file_location("runtimes", folder / "__init__.py")`, see `load_runtimes` in the tests.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

from .columns import Columns, Decoder
from .errors import ModelUnreadable, OutputUnusable
from .frames import frame_of
from .outputs import Matrix, probabilities_of, two_columns
from .plain_types import foreign_types
from .structure import check as check_structure

__all__ = [
    "Columns",
    "Decoder",
    "Matrix",
    "ModelUnreadable",
    "OutputUnusable",
    "Predictor",
    "booster_library",
    "check_structure",
    "foreign_types",
    "frame_of",
    "open_model",
    "probabilities_of",
    "two_columns",
]

_EXTRAS = {"embeddings": "'andon[text]'", "pyfunc": "'andon[mlflow]'", "xgboost": "'andon[xgboost]'"}


def booster_library() -> ModuleType:
    """Return LightGBM as a gateway uses it: without the requirements of its scikit-learn wrappers, slow to import."""
    return cast(ModuleType, import_module(".lightgbm", __name__).LIGHTGBM)


class Predictor(Protocol):
    """A loaded model file. Uses one thread of its own at most."""

    def predict(self, matrix: Matrix) -> Matrix:
        """Raw probabilities [rows, classes] of an encoded batch; NaN is missing."""
        ...


def open_model(runtime: str, file: Path, *, trusted: bool, signature: Mapping[str, Any]) -> Predictor:
    """Load a model file with its runtime; `signature` is the manifest's, as in its JSON.

    Raises ModelUnreadable if its library is not installed, cannot read it, or would run untrusted code.
    """
    try:
        module = import_module(f".{runtime}", __name__)
    except ModuleNotFoundError as error:
        wanted = _EXTRAS.get(runtime, error.name)
        raise ModelUnreadable(
            f"The model needs {error.name}, which is not installed; `pip install {wanted}`"
        ) from error
    try:
        check_structure(runtime, file, signature)
        return cast(Predictor, module.open_model(file, trusted=trusted, signature=signature))
    except ModelUnreadable:
        raise
    except Exception as error:  # each library has its own errors for an unreadable file
        raise ModelUnreadable(f"{file.name} cannot be loaded: {type(error).__name__}: {error}") from error
