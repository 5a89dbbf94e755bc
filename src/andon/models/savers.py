"""A fitted model to a file, by the library it comes from. No library is imported that the model has not imported already."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from andon.models.encoding import text_of
from andon.models.errors import PackageInvalid
from andon.models.manifest import Runtime
from andon.runtimes import Matrix, probabilities_of


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written, how to ask the model itself, and the order of its output if it says one."""

    runtime: Runtime
    file: str
    predict: Callable[[Matrix], Matrix]
    classes: tuple[str, ...] | None = None


def save(model: Any, folder: Path, *, allow_pickle: bool) -> Saved:
    """Write `model` into `folder`. Raises PackageInvalid for what cannot be packed."""
    if isinstance(model, str | Path):
        return _onnx(Path(model), folder)
    library = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    if "lightgbm" in library:
        return _lightgbm(model, folder)
    if "xgboost" in library:
        return _xgboost(model, folder)
    if hasattr(model, "predict_proba"):
        return _sklearn(model, folder, allow_pickle=allow_pickle)
    raise PackageInvalid(
        f"{type(model).__name__}: not a model that can be packed; give a LightGBM or XGBoost model, a scikit-learn classifier with "
        "predict_proba, or the path of an .onnx file"
    )


def _lightgbm(model: Any, folder: Path) -> Saved:
    booster = getattr(model, "booster_", model)
    booster.save_model(folder / "model.txt")
    return Saved(
        Runtime.LIGHTGBM, "model.txt", lambda matrix: probabilities_of(booster.predict(matrix)), _classes_of(model)
    )


def _xgboost(model: Any, folder: Path) -> Saved:
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    booster.save_model(folder / "model.ubj")
    return Saved(
        Runtime.XGBOOST,
        "model.ubj",
        lambda matrix: probabilities_of(booster.inplace_predict(matrix, validate_features=False)),
        _classes_of(model),
    )


def _sklearn(model: Any, folder: Path, *, allow_pickle: bool) -> Saved:
    if allow_pickle:
        import joblib

        joblib.dump(model, folder / "model.joblib")
    else:
        import skops.io

        skops.io.dump(model, folder / "model.skops")
    name = "model.joblib" if allow_pickle else "model.skops"
    return Saved(
        Runtime.SKLEARN, name, lambda matrix: probabilities_of(model.predict_proba(matrix)), _classes_of(model)
    )


def _onnx(file: Path, folder: Path) -> Saved:
    if file.suffix != ".onnx" or not file.is_file():
        raise PackageInvalid(f"{file} is not an .onnx file; give the fitted model itself for other libraries")
    import onnxruntime

    shutil.copyfile(file, folder / "model.onnx")
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    dtype = np.float64 if source.type == "tensor(double)" else np.float32
    output = session.get_outputs()[-1].name
    return Saved(
        Runtime.ONNX,
        "model.onnx",
        lambda matrix: probabilities_of(session.run([output], {source.name: matrix.astype(dtype)})[0]),
    )


def _classes_of(model: Any) -> tuple[str, ...] | None:
    """The classes in the order of the output; None if the model knows only positions."""
    classes = getattr(model, "classes_", None)
    if classes is None or list(classes) == list(range(len(classes))):
        return None
    return tuple(str(text_of(value)) for value in classes)
