"""A package is taken as it was written or not at all, and nothing in it runs unasked."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rfc8785
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from andon import serving
from andon.models import ModelVersion, PackageInvalid, encode, open_package, pack
from andon.models.package import danger_of
from packages import CLASSES, FEATURES, a_package


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return a_package(tmp_path / "package")


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Change the manifest on disk."""

    def edit(package: Path) -> None:
        manifest = json.loads((package / "manifest.json").read_text())
        change(manifest)
        (package / "manifest.json").write_text(json.dumps(manifest))

    return edit


def appended(package: Path) -> None:
    with (package / "model.txt").open("a") as model:
        model.write("x")


def linked(package: Path) -> None:
    (package / "model.txt").rename(package.parent / "elsewhere.txt")
    (package / "model.txt").symlink_to(package.parent / "elsewhere.txt")


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed": (appended, "model.txt does not match the manifest"),
    "linked": (linked, "model.txt does not match the manifest"),
    "removed": (lambda p: (p / "model.txt").unlink(), "lacks model.txt"),
    "added": (lambda p: (p / "extra.py").write_text("x"), "contains extra.py"),
    "no manifest": (lambda p: (p / "manifest.json").unlink(), "contains no manifest.json"),
    "no JSON": (lambda p: (p / "manifest.json").write_text("{"), "not a manifest"),
    "a path": (edited(lambda m: m["files"][0].update(name="../../etc/passwd")), "not a manifest"),
    "unlisted": (edited(lambda m: m.update(model_file="other.txt")), "names the model file other.txt"),
    "unknown part": (edited(lambda m: m.update(surprise=1)), "not a manifest"),
    "other format": (edited(lambda m: m.update(format=2)), "not a manifest"),
    "other task": (edited(lambda m: m["signature"].update(task="multiclass")), "make a binary model"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_package_that_was_tampered_with_is_refused(package: Path, how: str) -> None:
    tamper, why = TAMPERED[how]
    tamper(package)
    with pytest.raises(PackageInvalid, match=why):
        open_package(package)


def test_a_wrong_part_of_a_manifest_is_named(package: Path) -> None:
    edited(lambda m: m["training"].update(rows="many"))(package)
    with pytest.raises(PackageInvalid) as refused:
        open_package(package)
    assert [fault.where for fault in refused.value.faults] == ["training.rows"]


def without_probes(manifest: dict[str, Any]) -> None:
    manifest["probes"] = {"rows": [], "probabilities": []}


MISFITS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "columns that there are not": (lambda m: m.update(output_order=[5, 9]), "output_order"),
    "a column twice": (lambda m: m.update(output_order=[0, 1, 1]), "output_order"),
    "classes the other way round": (lambda m: m.update(output_order=[1, 0]), "probes.calibrated"),
    "no calibration any more": (lambda m: m["calibration"].update(curves=[]), "probes.calibrated"),
    "a curve for each of two": (
        lambda m: m["calibration"]["curves"].append({"x": [0.0], "y": [0.5]}),
        "calibration.curves",
    ),
    "a curve of nothing": (lambda m: m["calibration"].update(curves=[{"x": [], "y": []}]), "calibration.curves.0"),
    "a curve that falls": (
        lambda m: m["calibration"].update(curves=[{"x": [0.0, 1.0], "y": [1.0, 0.0]}]),
        "calibration.curves.0",
    ),
    "a file twice": (lambda m: m["files"].append(m["files"][0]), "files"),
    "no probes": (without_probes, "probes.rows"),
    "a short probe": (lambda m: m["probes"]["rows"][0].pop(), "probes.rows"),
    "a probe without its answer": (lambda m: m["probes"]["probabilities"].pop(), "probes.probabilities"),
}


@pytest.mark.parametrize("what", MISFITS)
def test_a_manifest_whose_parts_do_not_fit_each_other_is_refused_and_the_part_named(package: Path, what: str) -> None:
    change, where = MISFITS[what]
    edited(change)(package)
    with pytest.raises(PackageInvalid, match="do not match each other") as refused:
        open_package(package)
    assert [fault.where for fault in refused.value.faults] == [where]


def test_a_package_of_before_whose_probes_are_not_calibrated_keeps_its_digest_and_is_taken(package: Path) -> None:
    edited(lambda m: m["probes"].pop("calibrated"))(package)
    written = json.loads((package / "manifest.json").read_text())
    assert open_package(package).manifest.digest == hashlib.sha256(rfc8785.dumps(written)).hexdigest()


@pytest.mark.parametrize("name", ["model.onnx", "model.txt", "model.json", "model.pkl", "model.joblib"])
def test_a_bare_model_is_refused_with_the_way_to_pack_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(PackageInvalid, match=f"{name} is a bare model: .*andon.models.pack"):
        open_package(tmp_path / name)


def test_a_script_is_not_a_package(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    with pytest.raises(PackageInvalid, match=r"--from-script train.py"):
        open_package(tmp_path / "train.py")


def the_rows() -> tuple[dict[str, Any], list[str]]:
    """Raw rows whose label is whether the amount is large."""
    rng = np.random.default_rng(1)
    rows = {"amount": rng.gamma(2.0, 100.0, 200), "country": rng.choice(["DE", "FR"], 200)}
    return rows, np.where(rows["amount"] > 150, "fraud", "ok").tolist()


def a_sklearn_package(folder: Path, *, allow_pickle: bool, model: Any = None) -> Path:
    rows, labels = the_rows()
    fitted = model or HistGradientBoostingClassifier(max_iter=3).fit(encode(FEATURES, rows), labels)
    return pack(
        folder,
        name="fraud-risk",
        model=fitted,
        features=FEATURES,
        classes=CLASSES,
        training=(rows, labels),
        held_out=(rows, labels),
        split="none, for this test",
        allow_pickle=allow_pickle,
    )


def test_a_pickle_is_dangerous_and_it_is_said_why(tmp_path: Path) -> None:
    danger = danger_of(open_package(a_sklearn_package(tmp_path / "package", allow_pickle=True)))
    assert danger is not None
    assert "can run any code" in danger
    assert "--trust" in danger


@pytest.mark.parametrize(
    "classifier",
    [
        HistGradientBoostingClassifier(max_iter=3),
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        make_pipeline(SimpleImputer(), RandomForestClassifier(3)),
        make_pipeline(SimpleImputer(), GradientBoostingClassifier(n_estimators=3)),
        make_pipeline(
            SimpleImputer(),
            StandardScaler(),
            MLPClassifier((4,), learning_rate_init=0.1, tol=10, n_iter_no_change=50, random_state=1),
        ),
        make_pipeline(SimpleImputer(), CalibratedClassifierCV(LogisticRegression(), cv=2)),
        make_pipeline(SimpleImputer(), KNeighborsClassifier()),
    ],
    ids=lambda model: type(getattr(model, "steps", [[0, model]])[-1][1]).__name__,
)
def test_a_scikit_learn_model_saved_by_skops_needs_no_trust(tmp_path: Path, classifier: Any) -> None:
    rows, labels = the_rows()
    fitted = classifier.fit(encode(FEATURES, rows), labels)
    package = open_package(a_sklearn_package(tmp_path / "package", allow_pickle=False, model=fitted))
    assert danger_of(package) is None
    manifest = package.manifest
    version = ModelVersion(manifest.name, 1, manifest.digest, manifest, "owner", "test", manifest.created_at)
    assert serving.load(version, package.folder).predict([{"amount": 900.0, "country": "DE"}])[0].label == "fraud"


class Foreign:
    """A classifier of the builder's own, whose code would run on loading."""

    def __init__(self) -> None:
        self.classes_ = np.array(["ok", "fraud"])

    def predict_proba(self, matrix: Any) -> Any:
        return np.tile([0.5, 0.5], (len(matrix), 1))


def test_a_foreign_type_in_a_skops_file_is_dangerous_and_named(tmp_path: Path) -> None:
    package = a_sklearn_package(tmp_path / "package", allow_pickle=False, model=Foreign())
    assert "test_package.Foreign" in str(danger_of(open_package(package)))
