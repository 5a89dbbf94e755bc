"""Saving a fitted model to a file, by the library it comes from.

No library is imported that the model has not imported already.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED

from andon.models import vocabularies
from andon.models.custom import PythonModel, write_folder, write_python_model
from andon.models.elsewhere import Elsewhere
from andon.models.embedding import EmbeddedModel
from andon.models.encoding import text_of
from andon.models.environment import required_by
from andon.models.errors import PackageInvalid
from andon.models.manifest import Runtime
from andon.runtimes import foreign_types

_MLMODEL = "MLmodel"
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved file, the order of its output if it has one, and the requirements to run it.

    `modules` are top-level modules, `requires` names of distributions.
    """

    runtime: Runtime
    file: str
    classes: tuple[str, ...] | None = None
    modules: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


def save(model: Any, folder: Path, *, allow_pickle: bool) -> Saved:
    """Write `model` into `folder`. Raises PackageInvalid if it cannot be packed."""
    if isinstance(model, PythonModel):
        write_python_model(model, folder / "model.zip")
        return Saved(Runtime.PYTHON, "model.zip")
    if isinstance(model, EmbeddedModel):
        model.write(folder / "model.zip")
        return Saved(Runtime.EMBEDDINGS, "model.zip", modules=("onnxruntime", "tokenizers", "sklearn", "skops"))
    if isinstance(model, Elsewhere):
        (folder / model.file).write_text(model.document(), encoding="utf-8")
        return Saved(Runtime.REMOTE, model.file)
    if isinstance(model, str | Path):
        return _by_path(Path(model), folder)
    library = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    if "lightgbm" in library:
        return _lightgbm(model, folder)
    if "xgboost" in library:
        return _xgboost(model, folder)
    if hasattr(model, "predict_proba"):
        return _sklearn(model, folder, library, allow_pickle=allow_pickle)
    raise PackageInvalid(
        f"{type(model).__name__}: not a model that can be packed; give a LightGBM or XGBoost model, a "
        "scikit-learn classifier with "
        "predict_proba, a PythonModel, a RemoteModel, or the path of an .onnx file or of a saved MLflow model"
    )


def _lightgbm(model: Any, folder: Path) -> Saved:
    getattr(model, "booster_", model).save_model(folder / "model.txt")
    return Saved(Runtime.LIGHTGBM, "model.txt", _classes_of(model), ("lightgbm",))


def _xgboost(model: Any, folder: Path) -> Saved:
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    booster.save_model(folder / "model.ubj")
    return Saved(Runtime.XGBOOST, "model.ubj", _classes_of(model), ("xgboost",))


def _sklearn(model: Any, folder: Path, library: set[str], *, allow_pickle: bool) -> Saved:
    """Save with the requirements of its types: of the classifier itself, and of all types in a skops file."""
    needed = library | {"sklearn", "skops", "joblib"}
    if allow_pickle:
        import joblib

        joblib.dump(model, folder / "model.joblib")
    else:
        import skops.io

        compression = ZIP_DEFLATED if vocabularies.made_plain(model) else ZIP_STORED
        skops.io.dump(model, folder / "model.skops", compression=compression, compresslevel=_LEVEL)
        needed |= {name.partition(".")[0] for name in foreign_types(folder / "model.skops")}
    name = "model.joblib" if allow_pickle else "model.skops"
    return Saved(Runtime.SKLEARN, name, _classes_of(model), _with_frames(model, needed))


def _by_path(path: Path, folder: Path) -> Saved:
    if is_mlflow(path):
        return _mlflow(path, folder)
    if path.suffix != ".onnx" or not path.is_file():
        raise PackageInvalid(
            f"{path} is neither an .onnx file nor the folder of a saved MLflow model (which contains a file "
            f"{_MLMODEL}); "
            "give the fitted model itself for other libraries"
        )
    shutil.copyfile(path, folder / "model.onnx")
    return Saved(Runtime.ONNX, "model.onnx", modules=("onnxruntime",))


def _mlflow(path: Path, folder: Path) -> Saved:
    """Save with the requirements that MLflow recorded, except MLflow itself: its small edition suffices.

    A scikit-learn model is packed as its own file, since MLflow would answer with labels.
    """
    flavour = sklearn_file(path)
    if flavour is not None:
        return _sklearn_saved(flavour, folder)
    write_folder(path, folder / "model.zip")
    listed = path / "requirements.txt"
    declared = required_by(listed.read_text(encoding="utf-8")) if listed.is_file() else []
    return Saved(Runtime.PYFUNC, "model.zip", modules=("mlflow",), requires=tuple(set(declared) - {"mlflow"}))


def is_mlflow(path: Path) -> bool:
    """Return whether this is the folder of a saved MLflow model."""
    return (path / _MLMODEL).is_file()


def sklearn_file(path: Path) -> Path | None:
    """Return the skops file of the scikit-learn model in a saved MLflow model.

    Returns None if the model is from another library or pickled. A pickle stays an MLflow model, which runs in its own
    process.
    """
    import yaml

    flavours = yaml.safe_load((path / _MLMODEL).read_text(encoding="utf-8")).get("flavors") or {}
    name = (flavours.get("sklearn") or {}).get("pickled_model")
    if name is None or (flavours.get("python_function") or {}).get("loader_module") != "mlflow.sklearn":
        return None
    file = path / str(name)
    return (
        file if file.suffix == ".skops" and file.is_file() and file.resolve().is_relative_to(path.resolve()) else None
    )


def _sklearn_saved(file: Path, folder: Path) -> Saved:
    """Save a model that skops wrote. Whether its types are trusted is judged at registration."""
    import skops.io

    target = folder / "model.skops"
    shutil.copyfile(file, target)
    model = skops.io.load(target, trusted=skops.io.get_untrusted_types(file=target))
    needed = {"sklearn", "skops", "joblib"} | {name.partition(".")[0] for name in foreign_types(target)}
    if not hasattr(model, "predict_proba"):
        raise PackageInvalid(
            f"{type(model).__name__} has no predict_proba, so it returns no probabilities: pack a classifier"
        )
    return Saved(Runtime.SKLEARN, target.name, _classes_of(model), _with_frames(model, needed))


def _with_frames(model: Any, needed: set[str]) -> tuple[str, ...]:
    """Return a model's requirements, with pandas if it was fitted on named columns."""
    return tuple(needed | ({"pandas"} if len(getattr(model, "feature_names_in_", ())) else set()))


def _classes_of(model: Any) -> tuple[str, ...] | None:
    """Return the classes in the order of the output; None if the model knows only positions."""
    classes = getattr(model, "classes_", None)
    if classes is None or list(classes) == list(range(len(classes))):
        return None
    return tuple(str(text_of(value)) for value in classes)
