"""Packing writes down what the model is, and refuses what could not be served."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from andon.models import (
    FeatureKind,
    FeatureSpec,
    Manifest,
    PackageInvalid,
    ValueUnusable,
    encode,
    open_package,
    pack,
)
from onnx_graphs import a_network
from packages import CLASSES, FEATURES, packed_anew


def rows_of(count: int, seed: int = 1) -> tuple[dict[str, Any], list[str]]:
    """Raw rows without missing values and their labels."""
    rng = np.random.default_rng(seed)
    rows = {"amount": rng.gamma(2.0, 100.0, count), "country": rng.choice(["DE", "FR"], count)}
    return rows, np.where(rows["amount"] + rng.normal(0, 60, count) > 300, "fraud", "ok").tolist()


class Constant:
    """A classifier that says what it is told to."""

    def __init__(self, answer: list[float]) -> None:
        self.answer = answer

    def predict_proba(self, matrix: Any) -> Any:
        return np.tile(self.answer, (len(matrix), 1))


def packed(folder: Path, model: Any, **changes: Any) -> Path:
    """Return a package of `model` with usual arguments, some changed."""
    usual: dict[str, Any] = {
        "name": "fraud-risk",
        "features": FEATURES,
        "classes": CLASSES,
        "training": rows_of(200),
        "held_out": rows_of(200, seed=2),
        "split": "by chance",
    }
    return pack(folder, model=model, **(usual | changes))


def test_the_manifest_survives_json_and_keeps_its_digest(tmp_path: Path) -> None:
    manifest = open_package(packed_anew(tmp_path / "package")).manifest
    again = Manifest.model_validate_json(manifest.to_json())
    assert again == manifest
    assert again.digest == manifest.digest
    assert manifest.model_copy(update={"description": "other"}).digest != manifest.digest


def test_the_profile_counts_every_row_of_the_training_data(tmp_path: Path) -> None:
    profile = open_package(packed_anew(tmp_path / "package")).manifest.profile
    amount, country = profile.numeric["amount"], profile.category["country"]
    assert sum(amount.counts) + amount.missing == amount.rows == 300
    assert len(amount.edges) == len(amount.counts) + 1
    assert sum(country.counts.values()) + country.missing == 300
    assert country.missing > 0, "the unknown country counts as missing"
    assert sum(profile.scores.counts) == 300


def test_half_of_the_held_out_rows_calibrate_and_the_other_half_measures(tmp_path: Path) -> None:
    manifest = open_package(packed_anew(tmp_path / "package")).manifest
    assert manifest.calibration.rows == manifest.metrics.rows == manifest.risk.rows == 150
    assert (manifest.training.rows, manifest.training.held_out_rows) == (300, 300)
    assert {"roc_auc", "average_precision", "log_loss", "brier", "accuracy", "ece"} == set(manifest.metrics.estimates)


def test_packing_the_same_model_again_differs_only_in_its_time(tmp_path: Path) -> None:
    first, second = (open_package(packed_anew(tmp_path / name)).manifest for name in ("a", "b"))
    assert first.model_copy(update={"created_at": second.created_at}) == second


def test_a_model_that_cannot_take_missing_values_is_refused_with_advice(tmp_path: Path) -> None:
    rows, labels = rows_of(200)
    model = make_pipeline(LogisticRegression()).fit(encode(FEATURES, rows), labels)
    with pytest.raises(PackageInvalid, match=r"missing values.*SimpleImputer"):
        packed(tmp_path / "package", model)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([float("nan"), 0.5], "not probabilities"),
        ([0.9, 0.9], "not adding up to 1"),
        ([0.2, 0.3, 0.5], "expected probabilities of shape"),
    ],
)
def test_a_model_without_sound_probabilities_is_refused(tmp_path: Path, answer: list[float], why: str) -> None:
    with pytest.raises(PackageInvalid, match=why):
        packed(tmp_path / "package", Constant(answer), allow_pickle=True)


def test_a_model_of_other_classes_is_refused(tmp_path: Path) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, labels = rows_of(200)
    model = HistGradientBoostingClassifier(max_iter=2).fit(encode(FEATURES, rows), ["x" + label for label in labels])
    with pytest.raises(PackageInvalid, match="xfraud, xok are not the classes given: ok, fraud"):
        packed(tmp_path / "package", model)


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"held_out": (rows_of(20)[0], ["ok"] * 19)}, PackageInvalid, "20 held-out rows have 19 labels"),
        ({"held_out": ({"amount": [1], "country": ["DE"]}, ["ok"])}, PackageInvalid, "At least two held-out rows"),
        ({"training": ({"amount": [1, 2]}, ["ok", "ok"])}, ValueUnusable, "no column 'country'"),
        ({"classes": ("ok",)}, PackageInvalid, "at least two different classes"),
        ({"features": (FeatureSpec("a", FeatureKind.NUMBER),) * 2}, PackageInvalid, "no feature name twice"),
        ({"model": "model.onnx"}, PackageInvalid, "neither an .onnx file"),
        ({"model": object()}, PackageInvalid, "object: not a model that can be packed"),
    ],
)
def test_what_does_not_fit_together_is_named(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], why: str
) -> None:
    model = changes.pop("model", Constant([0.5, 0.5]))
    with pytest.raises(error, match=why):
        packed(tmp_path / "package", model, allow_pickle=True, **changes)


def test_an_onnx_graph_that_takes_a_fixed_number_of_rows_is_refused(tmp_path: Path) -> None:
    network = a_network(tmp_path / "network.onnx", columns=2, classes=2, rows=1)
    with pytest.raises(PackageInvalid, match="takes exactly 1 rows; export it with a dynamic first axis"):
        packed(tmp_path / "package", network)


def test_a_folder_with_other_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(PackageInvalid, match="not empty and is not a package"):
        packed_anew(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    packed_anew(tmp_path / "package")
    packed_anew(tmp_path / "package", seed=2)


def test_what_broke_off_leaves_the_package_before_it_and_is_no_hindrance(tmp_path: Path) -> None:
    package = packed_anew(tmp_path / "package")
    before = (package / "manifest.json").read_text()
    with pytest.raises(PackageInvalid):
        packed(package, Constant([0.5, 0.5]), allow_pickle=True, held_out=(rows_of(20)[0], ["ok"] * 19))
    with pytest.raises(PackageInvalid, match="takes exactly 1 rows"):
        packed(package, a_network(tmp_path / "network.onnx", columns=2, classes=2, rows=1))
    assert (package / "manifest.json").read_text() == before
    killed = tmp_path / ".package.packing"
    killed.mkdir()
    (killed / "model.txt").write_text("half a mod")
    packed_anew(package, seed=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.onnx", "package"]
    assert (package / "manifest.json").read_text() != before


def test_the_package_says_which_script_and_commit_made_it(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[2])!r})\n" + SCRIPT)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "train.py"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    subprocess.run([sys.executable, script], check=True, cwd=tmp_path)
    code = json.loads((tmp_path / "package" / "manifest.json").read_text())["code"]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert (code["file"], code["commit"], code["modified"]) == ("train.py", head, False)


def test_a_model_from_an_interactive_session_has_no_script(tmp_path: Path) -> None:
    program = f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[2])!r})\n" + SCRIPT
    subprocess.run([sys.executable, "-"], input=program, text=True, check=True, cwd=tmp_path)
    assert open_package(tmp_path / "package").manifest.code is None


SCRIPT = """
from pathlib import Path
from packages import packed_anew
packed_anew(Path("package"))
"""


def test_a_held_out_row_of_a_class_that_nobody_trained_for_is_wrong_whatever_the_answer(tmp_path: Path) -> None:
    rows, labels = rows_of(200, seed=2)
    sometimes_new = {"held_out": (rows, ["new" if at % 4 == 0 else "ok" for at in range(len(labels))])}
    model = Constant([0.9, 0.1])
    manifest = open_package(
        packed(tmp_path / "package", model, allow_pickle=True, untrained=["new"], **sometimes_new)
    ).manifest
    widest = manifest.risk.table[-1]
    assert widest.errors == manifest.risk.rows - manifest.metrics.rows > 0
    assert manifest.signature.classes == tuple(CLASSES)
    with pytest.raises(ValueUnusable, match="new"):
        packed(tmp_path / "other", model, allow_pickle=True, **sometimes_new)
    only_new = (rows, ["new"] * len(labels))
    with pytest.raises(PackageInvalid, match="No held-out row"):
        packed(tmp_path / "other", model, allow_pickle=True, untrained=["new"], held_out=only_new)
