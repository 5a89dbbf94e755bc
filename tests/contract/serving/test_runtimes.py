"""One suite, every runtime: what was packed is what is served, whatever library it comes from."""

import importlib.util
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx as onnx_library
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from andon import serving
from andon.models import (
    Calibrator,
    FeatureKind,
    FeatureSpec,
    Manifest,
    Matrix,
    ModelVersion,
    PythonModel,
    Runtime,
    categorical_columns,
    encode,
    encode_labels,
    open_package,
    pack,
)
from andon.runtimes import ModelUnreadable, open_model
from andon.serving import EndpointUnavailable, Hosting, LoadedVersion, RemoteModel
from mlservers import MlServer, a_matrix_in, own_probabilities
from onnx_graphs import a_network

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # MLflow's own

CODE = Path(__file__).with_name("code")

FEATURES = (
    FeatureSpec("amount", FeatureKind.NUMBER),
    FeatureSpec("country", FeatureKind.CATEGORY, ("DE", "FR", "US")),
    FeatureSpec("night", FeatureKind.BOOLEAN),
    FeatureSpec("at", FeatureKind.TIME),
)
ROWS = 900
NOW = datetime(2026, 11, 24, tzinfo=UTC)
HOSTING = Hosting(allow_private=True)

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
    """A model of the server that `mlserver` started."""

    def fit(x: Matrix, y: NDArray[np.int64], classes: tuple[str, ...], folder: Path) -> Any:
        del y, folder
        server = next(iter(SERVERS), None) or _started(x.shape[1])
        model = RemoteModel(server.address(wire), f"of-{len(classes)}", protocol=wire)
        return model, lambda m: own_probabilities(m, len(classes))

    return fit


SERVERS: list[MlServer] = []


def _started(columns: int) -> MlServer:
    server = MlServer(Path(tempfile.mkdtemp(prefix="andon-mlserver-")))
    SERVERS.append(server)
    for classes in (2, 3):
        server.add(f"of-{classes}", a_matrix_in(columns, classes=classes), classes=classes)
    server.start()
    return server


@pytest.fixture(scope="module", autouse=True)
def servers() -> Iterator[None]:
    """Ends the server that was started for remote models."""
    yield
    for server in SERVERS:
        server.stop()
        shutil.rmtree(server.folder)
    SERVERS.clear()


def _table(folder: Path, classes: tuple[str, ...]) -> Path:
    (folder / "table.json").write_text(json.dumps({"countries": COUNTRIES, "classes": len(classes)}))
    return folder / "table.json"


def _scores(classes: tuple[str, ...]) -> Callable[[Matrix], Matrix]:
    """What contract_scorer says, told from the encoded matrix instead of the raw values."""

    def own(matrix: Matrix) -> Matrix:
        amount, code, night, _, hour, _ = matrix.T
        weight = np.array([*COUNTRIES.values(), 0.5])[np.where(np.isnan(code), -1, code).astype(int)]
        line = np.nan_to_num(amount) / 150 - 1 + weight + np.nan_to_num(night * 0.8 - 0.4) + np.nan_to_num(hour) / 24
        return _softmax(np.outer(line, np.arange(len(classes))))

    return own


def _softmax(logits: Matrix) -> Matrix:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


LIBRARIES = {
    "onnx": ["onnxruntime"],
    "lightgbm": ["lightgbm", "scipy"],
    "sklearn": ["scikit-learn", "skops", "scipy"],
    "xgboost": ["xgboost-cpu", "scipy"],
    "python": [],
    "pyfunc": ["mlflow-skinny", "pandas", "cloudpickle"],
    "remote": [],
}

COUNTRIES = {"DE": -0.2, "FR": 0.1, "US": 0.3}

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


@dataclass(frozen=True)
class Case:
    """One packed and loaded model with what its library says by itself."""

    folder: Path
    endpoint: LoadedVersion
    rows: list[dict[str, Any]]
    own: Matrix


@pytest.fixture(params=RUNTIMES, scope="module")
def fit(request: pytest.FixtureRequest) -> Fit:
    return RUNTIMES[request.param]


@pytest.fixture(params=[("ok", "fraud"), ("refund", "keep", "ask")], ids=["binary", "multiclass"], scope="module")
def case(fit: Fit, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    classes, folder = request.param, tmp_path_factory.mktemp("case")
    rng = np.random.default_rng(1)
    rows = [a_row(rng) for _ in range(ROWS)]
    labels = [classes[(row["amount"] or 0) > 150] if rng.random() < 0.8 else classes[-1] for row in rows]
    training, held_out = (rows[:500], labels[:500]), (rows[500:], labels[500:])
    model, own = fit(encode(FEATURES, training[0]), encode_labels(classes, training[1]), classes, folder)
    package = pack(
        folder / "package",
        name="contract",
        model=model,
        features=FEATURES,
        classes=classes,
        training=training,
        held_out=held_out,
        split="the first 500",
    )
    endpoint = loaded(a_version(open_package(package).manifest, trusted=True), package)
    return Case(package, endpoint, held_out[0], own(encode(FEATURES, held_out[0])))


def loaded(version: ModelVersion, folder: Path) -> LoadedVersion:
    """As a gateway loads it; a model with code of its own in this process, which stands for one of its own."""
    if not version.manifest.runtime.isolated_only:
        return serving.load(version, folder, HOSTING)
    sys.modules.pop("contract_scorer", None)
    manifest = version.manifest
    file, signature = folder / manifest.model_file, asdict(manifest.signature)
    return LoadedVersion(version, open_model(manifest.runtime, file, trusted=version.trusted, signature=signature))


def a_row(rng: np.random.Generator) -> dict[str, Any]:
    """Raw values, some missing, some never heard of."""
    return {
        "amount": None if rng.random() < 0.1 else float(rng.gamma(2, 80)),
        "country": rng.choice(np.array(["DE", "FR", "US", "XX", None], dtype=object)),
        "night": None if rng.random() < 0.1 else bool(rng.random() < 0.5),
        "at": datetime.fromtimestamp(1_760_000_000 + float(rng.random()) * 1e7, tz=UTC),
    }


def a_version(manifest: Manifest, *, trusted: bool = False) -> ModelVersion:
    return ModelVersion(manifest.name, 1, manifest.digest, manifest, "owner", "a test", NOW, trusted)


def _two(output: Any) -> Matrix:
    return np.column_stack((1 - output, output)) if output.ndim == 1 else np.asarray(output, dtype=np.float64)


def test_the_endpoint_gives_the_librarys_own_probabilities_calibrated(case: Case) -> None:
    manifest = case.endpoint.version.manifest
    expected = Calibrator(manifest.calibration)(np.asarray(case.own, dtype=np.float64))
    served = [list(p.probabilities.values()) for p in case.endpoint.predict(case.rows)]
    np.testing.assert_allclose(served, expected, atol=1e-4)
    assert manifest.calibration.curves, "the calibration must not be a trivial one"


def test_the_label_is_the_likeliest_class_and_the_confidence_its_probability(case: Case) -> None:
    signature = case.endpoint.version.manifest.signature
    for prediction in case.endpoint.predict(case.rows):
        assert list(prediction.probabilities) == list(signature.classes)
        assert (
            prediction.confidence
            == prediction.probabilities[prediction.label]
            == max(prediction.probabilities.values())
        )
        scored = signature.positive or prediction.label
        assert prediction.score == prediction.probabilities[scored]


def test_a_row_gets_the_same_answer_alone_and_in_a_batch(case: Case) -> None:
    together = case.endpoint.predict(case.rows[:32])
    alone = [case.endpoint.predict([row])[0] for row in case.rows[:32]]
    assert [p.label for p in alone] == [p.label for p in together]
    np.testing.assert_allclose([p.score for p in alone], [p.score for p in together], atol=1e-6)


def test_nothing_but_missing_values_gets_an_answer(case: Case) -> None:
    (prediction,) = case.endpoint.predict([dict.fromkeys(case.rows[0])])
    assert 0 <= prediction.score <= 1


def test_no_rows_get_no_predictions(case: Case) -> None:
    assert case.endpoint.predict([]) == []


def test_a_file_that_cannot_be_read_is_a_clear_refusal(case: Case, tmp_path: Path) -> None:
    version = case.endpoint.version
    signature = asdict(version.manifest.signature)
    (tmp_path / version.manifest.model_file).write_bytes(b"not a model")
    file = tmp_path / version.manifest.model_file
    if version.manifest.runtime is Runtime.REMOTE:
        with pytest.raises(EndpointUnavailable, match=file.name):
            serving.load(version, tmp_path, HOSTING)
        return
    with pytest.raises(ModelUnreadable, match=file.name):
        open_model(version.manifest.runtime, file, trusted=True, signature=signature)


def test_a_model_that_answers_otherwise_than_when_packed_is_not_served(case: Case) -> None:
    manifest = case.endpoint.version.manifest
    if manifest.runtime.isolated_only:
        return  # asked its probes by its own process: tests of isolated processes
    other = tuple(tuple(reversed(row)) for row in manifest.probes.probabilities)
    changed = manifest.model_copy(update={"probes": manifest.probes.model_copy(update={"probabilities": other})})
    with pytest.raises(EndpointUnavailable, match="answers differently"):
        serving.load(a_version(changed), case.folder, HOSTING)


def test_a_model_with_code_of_its_own_is_not_opened_without_trust(case: Case) -> None:
    manifest = case.endpoint.version.manifest
    file, signature = case.folder / manifest.model_file, asdict(manifest.signature)
    if manifest.runtime.isolated_only:
        with pytest.raises(ModelUnreadable, match="registered without trust"):
            open_model(manifest.runtime, file, trusted=False, signature=signature)
    elif manifest.runtime is not Runtime.REMOTE:
        assert open_model(manifest.runtime, file, trusted=False, signature=signature)


def test_what_was_captured_is_enough_and_not_all_that_is_installed(case: Case) -> None:
    environment = case.endpoint.version.manifest.environment
    assert environment.python == platform.python_version()
    assert environment.packages["numpy"] == np.__version__
    assert not {"andon", "pytest", "ruff", "fastapi-cli", "psycopg"} & set(environment.packages)
    assert set(LIBRARIES[case.endpoint.version.manifest.runtime]) <= set(environment.packages)
