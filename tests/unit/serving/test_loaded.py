"""An endpoint answers with sound probabilities or not at all; the gate lets through what is proven."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from andon import serving
from andon.authoring import MaxError
from andon.models import Encoder, Matrix, ModelVersion, ValueUnusable, open_package
from andon.serving import EndpointBusy, EndpointUnavailable, LoadedVersion, Prediction, PredictionFailed, RiskGate
from packages import FEATURES, a_package

ROWS = [{"amount": 10.0, "country": "DE"}, {"amount": None, "country": "nowhere"}]


class Broken:
    """A runtime with a fixed answer."""

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


def test_a_registered_version_whose_manifest_does_not_fit_its_classes_is_not_served(
    version: ModelVersion, package: Path
) -> None:
    twisted = replace(version, manifest=version.manifest.model_copy(update={"output_order": (5, 9)}))
    with pytest.raises(EndpointUnavailable, match="fraud-risk 1 do not match each other") as refused:
        serving.load(twisted, package)
    assert [fault.where for fault in refused.value.faults] == ["output_order"]


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


def test_the_models_own_probabilities_stand_beside_the_calibrated_ones(version: ModelVersion, package: Path) -> None:
    loaded = serving.load(version, package)
    rows = [{"amount": 500.0, "country": "DE"}, {"amount": 1.0, "country": None}]
    own = loaded.raw(Encoder(FEATURES).encode(rows))[:, list(version.manifest.output_order)].tolist()
    predictions = loaded.predict(rows)
    assert [list(one.raw.values()) for one in predictions] == own
    assert [list(one.raw) for one in predictions] == [list(one.probabilities) for one in predictions]
    assert predictions[0].raw != predictions[0].probabilities
    assert msgspec.json.decode(msgspec.json.encode(predictions[0]), type=Prediction) == predictions[0]


def test_without_a_risk_everything_is_certain(version: ModelVersion, package: Path) -> None:
    endpoint = serving.load(version, package)
    gate = serving.gate_of(version.manifest.risk, None)
    assert all(gate.certain(prediction) for prediction in endpoint.predict(ROWS))


def test_a_risk_that_cannot_be_proven_makes_nothing_certain(version: ModelVersion) -> None:
    gate = serving.gate_of(version.manifest.risk, MaxError(0.0001, confidence=0.999))
    assert not gate.certain(Prediction(1.0, "fraud", 1.0, {"ok": 0.0, "fraud": 1.0}))


def test_a_stricter_risk_never_lets_more_through(version: ModelVersion) -> None:
    thresholds = [
        serving.gate_of(version.manifest.risk, MaxError(target)).threshold for target in (0.02, 0.1, 0.2, 0.4)
    ]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] < 1


def test_a_confidence_at_the_threshold_is_certain() -> None:
    gate = RiskGate(threshold=0.9, target=0.01)
    at, below = (Prediction(c, "yes", c, {"no": 1 - c, "yes": c}) for c in (0.9, 0.8999))
    assert (gate.certain(at), gate.certain(below)) == (True, False)


def soon(loaded: LoadedVersion) -> list[Prediction]:
    return asyncio.run(loaded.predict_soon(ROWS, within=60))


def test_a_version_that_fails_again_and_again_is_left_alone_until_a_probe_finds_it_well(version: ModelVersion) -> None:
    asked: list[int] = []
    well = False

    def answer(matrix: Matrix) -> Any:
        asked.append(len(matrix))
        if not well:
            raise ValueError("no")
        return [[0.5, 0.5]] * len(matrix)

    loaded = LoadedVersion(version, Broken(answer))
    for _ in range(5):
        with pytest.raises(PredictionFailed, match="failed with ValueError"):
            soon(loaded)
    with pytest.raises(EndpointBusy, match=r"failed repeatedly and is tried again in .* s; last failure: .*ValueError"):
        soon(loaded)
    assert len(asked) == 5
    assert (loaded.health().breaker, loaded.health().incidents) == ("open", {"failed": 5})
    well = True
    until = time.monotonic() + 10
    while loaded.health().breaker != "closed" and time.monotonic() < until:
        with suppress(EndpointBusy):
            soon(loaded)
    assert len(soon(loaded)) == len(ROWS)


def test_an_inline_version_that_is_late_again_and_again_is_left_alone(version: ModelVersion) -> None:
    """What came late is used: it is there, and nobody can stop what computes it."""
    loaded = LoadedVersion(version, Broken(lambda matrix: [[0.5, 0.5]] * len(matrix)), timeout=0.0)
    for _ in range(5):
        assert len(soon(loaded)) == len(ROWS)
    with pytest.raises(EndpointBusy, match=r"last failure: Model fraud-risk 1 took .* s, more than 0 s"):
        soon(loaded)
    assert loaded.health().incidents == {"timed_out": 5}


def test_a_value_that_cannot_be_encoded_says_nothing_about_the_version(version: ModelVersion, package: Path) -> None:
    loaded = serving.load(version, package)
    for _ in range(6):
        with pytest.raises(ValueUnusable):
            asyncio.run(loaded.predict_soon([{"amount": "much", "country": "DE"}], within=60))
    assert loaded.health().incidents == {}


def test_replay_and_commands_ask_a_version_that_is_left_alone(version: ModelVersion) -> None:
    loaded = LoadedVersion(version, Broken(lambda matrix: matrix[:0]))
    for _ in range(8):
        with pytest.raises(PredictionFailed, match="no usable probabilities"):
            loaded.predict(ROWS)
