"""Small packed models for tests: two raw features, two classes, milliseconds to train."""

import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightgbm
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from andon.models import FeatureKind, FeatureSpec, encode, encode_labels, open_package, pack
from onnx_graphs import a_network

FEATURES = (FeatureSpec("amount", FeatureKind.NUMBER), FeatureSpec("country", FeatureKind.CATEGORY, ("DE", "FR")))
CLASSES = ("ok", "fraud")


def a_package(folder: Path, *, name: str = "fraud-risk", seed: int = 1) -> Path:
    """Return a package as `packed_anew` makes it. Hundreds of tests use the same one, so each process packs it once."""
    return shutil.copytree(_kept(name, seed).name, folder, dirs_exist_ok=True)


@cache
def _kept(name: str, seed: int) -> TemporaryDirectory[str]:
    place = TemporaryDirectory(prefix="andon-package-")
    packed_anew(Path(place.name), name=name, seed=seed)
    return place


def packed_anew(folder: Path, *, name: str = "fraud-risk", seed: int = 1) -> Path:
    """Pack a LightGBM model that suspects large amounts into `folder`; another seed gives another model."""
    training, held_out = some_rows(seed)
    data = lightgbm.Dataset(encode(FEATURES, training[0]), encode_labels(CLASSES, training[1]))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    return _packed(folder, name, booster, training, held_out)


def a_pickled_package(folder: Path) -> Path:
    """Pack the same from scikit-learn, saved as a pickle."""
    training, held_out = some_rows(1)
    model = HistGradientBoostingClassifier(max_iter=5).fit(encode(FEATURES, training[0]), training[1])
    return _packed(folder, "fraud-risk", model, training, held_out, allow_pickle=True)


def an_onnx_package(folder: Path) -> Path:
    """Pack an untrained network as an ONNX file."""
    network = a_network(folder / "network.onnx", columns=len(FEATURES), classes=len(CLASSES))
    return _packed(folder / "package", "fraud-risk", network, *some_rows(1))


def trained_on_python(version: str, package: Path) -> Path:
    """Return the package as if it came from another Python."""
    manifest = json.loads((package / "manifest.json").read_text())
    manifest["environment"]["python"] = version
    (package / "manifest.json").write_text(json.dumps(manifest))
    return package


def trained_with(packages: dict[str, str], package: Path) -> Path:
    """Return the package as if exactly these distributions had been captured."""
    manifest = open_package(package).manifest
    captured = manifest.environment.model_copy(update={"packages": packages})
    (package / "manifest.json").write_text(manifest.model_copy(update={"environment": captured}).to_json())
    return package


def some_rows(seed: int) -> tuple[tuple[dict[str, Any], list[str]], tuple[dict[str, Any], list[str]]]:
    """300 raw rows to train and 300 held out, as columns with their labels; some countries are unknown."""
    rng = np.random.default_rng(seed)
    rows = {"amount": rng.gamma(2.0, 100.0, 600), "country": rng.choice(["DE", "FR", "XX"], 600)}
    labels = np.where(rows["amount"] + rng.normal(0, 60, 600) > 300, "fraud", "ok").tolist()
    training = {name: column[:300] for name, column in rows.items()}, labels[:300]
    return training, ({name: column[300:] for name, column in rows.items()}, labels[300:])


def packed(folder: Path, model: Any, **changes: Any) -> Path:
    """Pack a given model with the usual rows; further arguments go to `pack`."""
    training, held_out = some_rows(1)
    usual: dict[str, Any] = {
        "classes": CLASSES,
        "training": training,
        "held_out": held_out,
        "split": "the first half trains",
    }
    return pack(folder, name="fraud-risk", model=model, features=FEATURES, **(usual | changes))


def a_reversed_package(folder: Path) -> Path:
    """Pack the usual model with the score for the other class."""
    training, _ = some_rows(1)
    data = lightgbm.Dataset(encode(FEATURES, training[0]), encode_labels(CLASSES, training[1]))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    return packed(folder, booster, classes=CLASSES[::-1], model_classes=CLASSES)


def _packed(folder: Path, name: str, model: Any, training: Any, held_out: Any, *, allow_pickle: bool = False) -> Path:
    return pack(
        folder,
        name=name,
        model=model,
        features=FEATURES,
        classes=CLASSES,
        training=training,
        held_out=held_out,
        split="the first half trains",
        allow_pickle=allow_pickle,
    )
