"""An endpoint answers with sound probabilities or not at all; the gate lets through what is proven."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from andon import serving
from andon.authoring import MaxError
from andon.models import Matrix, ModelVersion, ValueUnusable, open_package
from andon.serving import LoadedVersion, Prediction, PredictionFailed, RiskGate
from packages import a_package

ROWS = [{"amount": 10.0, "country": "DE"}, {"amount": None, "country": "nowhere"}]


class Broken:
    """A runtime that answers what it is told to."""

    def __init__(self, answer: Callable[[Matrix], Any]) -> None:
        self._answer = answer

    def predict(self, matrix: Matrix) -> Matrix:
        return np.asarray(self._answer(matrix), dtype=np.float64)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_package(tmp_path_factory.mktemp("model") / "package")


@pytest.fixture(scope="module")
def version(package: Path) -> ModelVersion:
    manifest = open_package(package).manifest
    return ModelVersion(manifest.name, 1, manifest.digest, manifest, "owner", "test", datetime.now(UTC))


@pytest.mark.parametrize(
    "answer",
    [
        lambda m: [[0.5, float("nan")]] * len(m),
        lambda m: [[0.5, float("inf")]] * len(m),
        lambda m: [[-0.2, 1.2]] * len(m),
        lambda m: [[0.2, 0.2]] * len(m),
        lambda m: [[0.5, 0.5]] * (len(m) - 1),
        lambda m: [[0.2, 0.3, 0.5]] * len(m),
        lambda m: [0.5] * len(m),
        lambda m: m[:0],
    ],
    ids=["nan", "infinite", "negative", "no sum of 1", "too few rows", "too many classes", "one dimension", "nothing"],
)
def test_an_unsound_output_is_a_failure_never_a_value(version: ModelVersion, answer: Callable[[Matrix], Any]) -> None:
    with pytest.raises(PredictionFailed, match="fraud-risk 1 gave no usable probabilities"):
        LoadedVersion(version, Broken(answer)).predict(ROWS)


def test_what_a_library_raises_is_a_failure_that_repeats_no_values(version: ModelVersion) -> None:
    def raising(matrix: Matrix) -> Any:
        raise RuntimeError("account 4711 is strange")

    with pytest.raises(PredictionFailed, match="fraud-risk 1 failed with RuntimeError") as failed:
        LoadedVersion(version, Broken(raising)).predict(ROWS)
    assert "4711" not in str(failed.value)


def test_a_value_that_cannot_be_encoded_is_named(version: ModelVersion, package: Path) -> None:
    endpoint = serving.load(version, package)
    with pytest.raises(ValueUnusable, match="'amount'"):
        endpoint.predict([{"amount": "a lot", "country": "DE"}])
    with pytest.raises(ValueUnusable, match="no value for 'country'"):
        endpoint.predict([{"amount": 1.0}])


def test_a_larger_amount_is_more_suspicious(version: ModelVersion, package: Path) -> None:
    small, large = serving.load(version, package).predict(
        [{"amount": 20.0, "country": "DE"}, {"amount": 900.0, "country": "DE"}]
    )
    assert (small.label, large.label) == ("ok", "fraud")
    assert small.score == pytest.approx(1 - small.confidence)
    assert large.score == large.confidence


def test_without_a_risk_everything_is_certain(version: ModelVersion, package: Path) -> None:
    endpoint = serving.load(version, package)
    gate = endpoint.gate(None)
    assert all(gate.certain(prediction) for prediction in endpoint.predict(ROWS))


def test_a_risk_that_cannot_be_proven_makes_nothing_certain(version: ModelVersion, package: Path) -> None:
    gate = serving.load(version, package).gate(MaxError(0.0001, confidence=0.999))
    assert not gate.certain(Prediction(1.0, "fraud", 1.0, {"ok": 0.0, "fraud": 1.0}))


def test_a_stricter_risk_never_lets_more_through(version: ModelVersion, package: Path) -> None:
    endpoint = serving.load(version, package)
    thresholds = [endpoint.gate(MaxError(target)).threshold for target in (0.02, 0.1, 0.2, 0.4)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] < 1


def test_a_confidence_at_the_threshold_is_certain() -> None:
    gate = RiskGate(threshold=0.9, target=0.01)
    at, below = (Prediction(c, "yes", c, {"no": 1 - c, "yes": c}) for c in (0.9, 0.8999))
    assert (gate.certain(at), gate.certain(below)) == (True, False)
