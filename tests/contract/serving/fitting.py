"""Models of every library, fitted here, each with the library's own way to predict."""

import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx as onnx_library
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from andon.models import FeatureKind, FeatureSpec, Matrix, PythonModel, categorical_columns
from andon.serving import RemoteModel
from mlservers import MlServer, a_matrix_in, own_probabilities
from onnx_graphs import a_network

CODE = Path(__file__).with_name("code")

FEATURES = (
    FeatureSpec("amount", FeatureKind.NUMBER),
    FeatureSpec("country", FeatureKind.CATEGORY, ("DE", "FR", "US")),
    FeatureSpec("night", FeatureKind.BOOLEAN),
    FeatureSpec("at", FeatureKind.TIME),
)
COUNTRIES = {"DE": -0.2, "FR": 0.1, "US": 0.3}

Fit = Callable[[Matrix, NDArray[np.int64], tuple[str, ...], Path], tuple[Any, Callable[[Matrix], Matrix]]]
"""Fits a model and gives it with its own way to predict [rows, classes] in the order of the classes."""


def lightgbm(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
    del folder
    library = pytest.importorskip("lightgbm")
    objective: dict[str, Any] = {"objective": "binary"}
    if len(classes) > 2:
        objective = {"objective": "multiclass", "num_class": len(classes)}
    data = library.Dataset(x, y, categorical_feature=list(categorical_columns(FEATURES)))
    model = library.train(objective | {"verbose": -1, "num_threads": 1}, data, 10)
    return model, lambda m: _two(model.predict(m))


def sklearn(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
    """With text classes, which scikit-learn sorts: the output is in another order than the signature."""
    del folder
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=10).fit(x, np.array(classes)[y])
    order = [list(model.classes_).index(name) for name in classes]
    return model, lambda m: model.predict_proba(m)[:, order]


def xgboost(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
    del folder
    if importlib.util.find_spec("xgboost") is None:
        pytest.skip("NOT PROVEN: xgboost is not installed (pip install 'andon[xgboost]')")
    import xgboost as library

    objective: dict[str, Any] = {"objective": "binary:logistic"}
    if len(classes) > 2:
        objective = {"objective": "multi:softprob", "num_class": len(classes)}
    model = library.train(objective | {"nthread": 1}, library.DMatrix(x, y, nthread=1), 10)
    return model, lambda m: _two(model.predict(library.DMatrix(m, nthread=1)))


def lightgbm_classifier(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
    """With text classes, which the wrapper sorts."""
    del folder
    library = pytest.importorskip("lightgbm")
    model = library.LGBMClassifier(n_estimators=10, n_jobs=1, verbosity=-1).fit(x, np.array(classes)[y])
    order = [list(model.classes_).index(name) for name in classes]
    return model, lambda m: _two(model.booster_.predict(m))[:, order]


def onnx(zipmap: bool) -> Fit:
    def fit(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
        del classes
        from skl2onnx import to_onnx
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline

        model = make_pipeline(SimpleImputer(), RandomForestClassifier(10, max_depth=4, random_state=1)).fit(x, y)
        graph = to_onnx(model, x[:1].astype(np.float32), options={id(model): {"zipmap": zipmap}})
        (folder / "forest.onnx").write_bytes(graph.SerializeToString())
        return folder / "forest.onnx", lambda m: model.predict_proba(m.astype(np.float32))

    return fit


def onnx_network(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
    """As torch.onnx.export writes one. Nobody trained it; calibration makes the best of it."""
    del y
    file = a_network(folder / "network.onnx", columns=x.shape[1], classes=len(classes))
    weights = {each.name: numpy_helper.to_array(each) for each in onnx_library.load(file).graph.initializer}

    def own(matrix: Matrix) -> Matrix:
        bounded = np.tanh(np.nan_to_num(matrix.astype(np.float32)) * weights["scale"])
        active = np.maximum(bounded @ weights["hidden.weight"].T + weights["hidden.bias"], 0)
        return _softmax(active @ weights["last.weight"].T + weights["last.bias"])

    return file, own


def python(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
    del x, y
    table = _table(folder, classes)
    return PythonModel("contract_scorer:Scorer", code=[CODE / "contract_scorer.py"], files=[table]), _scores(classes)


def pyfunc(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
    del x, y
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow.pyfunc

    mlflow.pyfunc.save_model(
        folder / "saved",
        python_model=str(CODE / "contract_mlflow.py"),
        artifacts={"table": str(_table(folder, classes))},
        code_paths=[str(CODE / "contract_scorer.py")],
        pip_requirements=["numpy", "pandas"],
    )
    return folder / "saved", _scores(classes)


def remote(wire: str) -> Fit:
    """Return a model of the server that `mlserver` started."""

    def fit(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
        del y, folder
        server = next(iter(SERVERS), None) or _started(x.shape[1])
        model = RemoteModel(server.address(wire), f"of-{len(classes)}", protocol=wire)
        return model, lambda m: own_probabilities(m, len(classes))

    return fit


SERVERS: list[MlServer] = []


def _started(columns: int) -> MlServer:
    server = MlServer(Path(tempfile.mkdtemp(prefix="andon-mlserver-")))
    for classes in (2, 3):
        server.add(f"of-{classes}", a_matrix_in(columns, classes=classes), classes=classes)
    server.start()
    SERVERS.append(server)
    return server


def _table(folder: Path, classes: tuple[str, ...]) -> Path:
    (folder / "table.json").write_text(json.dumps({"countries": COUNTRIES, "classes": len(classes)}))
    return folder / "table.json"


def _scores(classes: tuple[str, ...]) -> Callable[[Matrix], Matrix]:
    """Return the function of contract_scorer on the encoded matrix instead of the raw values."""

    def own(matrix: Matrix) -> Matrix:
        amount, code, night, _, hour, _ = matrix.T
        weight = np.array([*COUNTRIES.values(), 0.5])[np.where(np.isnan(code), -1, code).astype(int)]
        line = np.nan_to_num(amount) / 150 - 1 + weight + np.nan_to_num(night * 0.8 - 0.4) + np.nan_to_num(hour) / 24
        return _softmax(np.outer(line, np.arange(len(classes))))

    return own


def _softmax(logits: Matrix) -> Matrix:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _two(output: Any) -> Matrix:
    return np.column_stack((1 - output, output)) if output.ndim == 1 else np.asarray(output, dtype=np.float64)


RUNTIMES: Mapping[str, Fit] = {
    "lightgbm": lightgbm,
    "lightgbm-classifier": lightgbm_classifier,
    "sklearn": sklearn,
    "xgboost": xgboost,
    "onnx-tensor": onnx(zipmap=False),
    "onnx-zipmap": onnx(zipmap=True),
    "onnx-network": onnx_network,
    "python": python,
    "pyfunc": pyfunc,
    "remote-rest": remote("rest"),
    "remote-grpc": remote("grpc"),
}
