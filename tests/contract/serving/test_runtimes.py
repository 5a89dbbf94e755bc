"""One suite, every runtime: what was packed is what is served, whatever library it comes from."""

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contract.serving.fitting import FEATURES, RUNTIMES, SERVERS, Fit

from andon import serving
from andon.models import (
    Calibrator,
    Manifest,
    Matrix,
    ModelVersion,
    Runtime,
    encode,
    encode_labels,
    open_package,
    pack,
)
from andon.runtimes import ModelUnreadable, open_model
from andon.serving import EndpointUnavailable, Hosting, LoadedVersion

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),  # MLflow's own
    pytest.mark.long,
]

LIBRARIES = {
    "onnx": ["onnxruntime"],
    "lightgbm": ["lightgbm", "scipy"],
    "sklearn": ["scikit-learn", "skops", "scipy"],
    "xgboost": ["xgboost-cpu", "scipy"],
    "python": [],
    "pyfunc": ["mlflow-skinny", "pandas", "cloudpickle"],
    "remote": [],
}
ROWS = 900
NOW = datetime(2026, 11, 24, tzinfo=UTC)
HOSTING = Hosting(allow_private=True)


@pytest.fixture(scope="module", autouse=True)
def servers() -> Iterator[None]:
    """End the server that was started for remote models."""
    yield
    for server in SERVERS:
        server.stop()
        shutil.rmtree(server.folder)
    SERVERS.clear()


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
    probes = manifest.probes.model_copy(update={"probabilities": other, "calibrated": None})
    changed = manifest.model_copy(update={"probes": probes})
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
