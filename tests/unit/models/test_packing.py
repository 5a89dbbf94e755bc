"""Packing writes down what the model is, and refuses what could not be served."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
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
from andon.models.measuring import one_a_group
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


def a_classifier() -> Any:
    """Return a fitted classifier."""
    rows, labels = rows_of(200)
    return make_pipeline(SimpleImputer(), LogisticRegression()).fit(encode(FEATURES, rows), labels)


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


def test_one_held_out_row_of_each_group_counts(tmp_path: Path) -> None:
    """Five rows of an account that are right or wrong together are one case, not five."""
    rows, labels = rows_of(200, seed=2)
    held_out = {name: np.repeat(values, 5) for name, values in rows.items()} | {"account": np.repeat(range(200), 5)}
    arguments: dict[str, Any] = {"held_out": (held_out, np.repeat(labels, 5).tolist())}
    manifest = open_package(packed(tmp_path / "package", a_classifier(), groups="account", **arguments)).manifest
    assert (manifest.training.held_out_rows, manifest.training.groups) == (200, "account")
    assert manifest.calibration.rows + manifest.risk.rows == 200
    again = open_package(packed(tmp_path / "again", a_classifier(), groups="account", **arguments)).manifest
    assert again.risk == manifest.risk
    whole = open_package(packed(tmp_path / "whole", a_classifier(), **arguments)).manifest
    assert (whole.training.held_out_rows, whole.training.groups) == (1000, None)


@pytest.mark.parametrize("rows", [rows_of(50)[0], [{"amount": 1.0, "country": "DE"}] * 50])
def test_groups_must_be_a_column_of_the_held_out_rows(tmp_path: Path, rows: Any) -> None:
    with pytest.raises(PackageInvalid, match="groups"):
        packed(tmp_path / "package", a_classifier(), held_out=(rows, ["ok", "fraud"] * 25), groups="account")


def test_measuring_rows_are_counted_by_score_with_how_many_came_true(tmp_path: Path) -> None:
    manifest = open_package(packed_anew(tmp_path / "package")).manifest
    scored = manifest.metrics.scored
    assert scored is not None
    assert sum(scored.rows) == manifest.risk.rows
    assert sum(scored.came_true) == manifest.metrics.class_counts["fraud"]
    assert all(
        0.05 * at * rows <= total <= 0.05 * (at + 1) * rows + 1e-9
        for at, (rows, total) in enumerate(zip(scored.rows, scored.scores, strict=True))
    )


@given(st.lists(st.one_of(st.none(), st.integers(0, 9), st.sampled_from("abc")), max_size=60), st.integers(0, 9))
def test_rows_to_keep_are_at_most_one_of_each_group_and_every_row_without_one(groups: list[Any], seed: int) -> None:
    kept = one_a_group(groups, np.random.default_rng(seed)).tolist()
    assert kept == sorted(set(kept))
    named = [groups[at] for at in kept if groups[at] is not None]
    assert len(named) == len(set(named))
    if len({groups.count(one) for one in groups if one is not None} - {1}) == 0:
        assert len(kept) == len(groups), "rows without others are all kept"


def test_the_share_of_kept_rows_stands_for_that_of_all_rows_not_of_groups() -> None:
    """Large groups, here always wrong, are a fifth of the groups and half of the rows."""
    sizes = np.where(np.arange(1000) % 5 == 0, 4, 1)
    groups, wrong = np.repeat(np.arange(1000), sizes), np.repeat(sizes == 4, sizes)
    shares = [wrong[one_a_group(groups, np.random.default_rng(seed))].mean() for seed in range(50)]
    assert wrong.mean() == 0.5
    assert abs(np.mean(shares) - 0.5) < 0.03
