"""A saved model and a sample say what it takes and gives; a pipeline by column names is asked with raw columns."""

import os
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pandas
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from andon.models import (
    FeatureKind,
    InferredSignature,
    PackageInvalid,
    PickleRefused,
    Runtime,
    infer,
    name_of,
    open_package,
    pack,
)
from texts import TEAMS, mails

ROWS = 400


def a_frame() -> tuple[pandas.DataFrame, list[str]]:
    rng = np.random.default_rng(34)
    frame = pandas.DataFrame(
        {
            "amount": rng.gamma(2, 100, ROWS),
            "visits": rng.integers(0, 9, ROWS),
            "country": rng.choice(["DE", "FR"], ROWS),
        }
    )
    risky = frame["amount"] + 80 * (frame["country"] == "FR") + rng.normal(0, 30, ROWS) > 320
    return frame, np.where(risky, "fraud", "ok").tolist()


def a_pipeline() -> Any:
    """Return a pipeline by column names, fitted on the first half."""
    frame, labels = a_frame()
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer(
        [("n", numbers, ["amount", "visits"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["country"])]
    )
    return make_pipeline(columns, LogisticRegression(max_iter=500)).fit(frame[: ROWS // 2], labels[: ROWS // 2])


def a_sample(**further: list[Any]) -> list[dict[str, Any]]:
    """Return the other half as a text file holds it; one country is missing, one is new."""
    frame, labels = a_frame()
    rows = frame.assign(is_fraud=labels, **further)[ROWS // 2 :].to_dict("records")
    rows = [{name: str(value) for name, value in row.items()} for row in rows]
    rows[0]["country"], rows[1]["country"] = None, "XK"
    return rows


def packed(folder: Path, found: InferredSignature) -> Path:
    return pack(
        folder,
        name="fraud-risk",
        model=found.model,
        features=found.features,
        classes=found.classes,
        model_classes=found.own_order,
        training=(found.rows, found.labels),
        held_out=(found.rows, found.labels),
        split="a sample",
    )


def test_a_pipeline_by_names_says_all_and_is_asked_with_raw_columns(tmp_path: Path) -> None:
    skops.io.dump(a_pipeline(), tmp_path / "Fraud model.skops")
    found = infer(tmp_path / "Fraud model.skops", a_sample(), None, trust=False)
    assert found.target == "is_fraud"
    assert found.classes == ("ok", "fraud")
    assert [(f.name, f.kind, f.categories) for f in found.features] == [
        ("amount", FeatureKind.NUMBER, ()),
        ("visits", FeatureKind.NUMBER, ()),
        ("country", FeatureKind.CATEGORY, ("DE", "FR")),
    ]
    manifest = open_package(packed(tmp_path / "package", found)).manifest
    assert manifest.metrics.estimates["roc_auc"].value > 0.95
    assert "pandas" in manifest.environment.packages


@pytest.mark.filterwarnings("ignore::UserWarning")  # MLflow's own hints
def test_a_scikit_learn_model_as_mlflow_saves_it_gives_probabilities(tmp_path: Path) -> None:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow.sklearn
    from mlflow.models import infer_signature

    model, (frame, _) = a_pipeline(), a_frame()
    signature = infer_signature(frame, model.predict(frame))
    mlflow.sklearn.save_model(
        model,
        tmp_path / "saved",
        signature=signature,
        pip_requirements=["scikit-learn"],
        skops_trusted_types=["numpy.dtype"],
    )
    found = infer(tmp_path / "saved", a_sample(), None, trust=False)
    manifest = open_package(packed(tmp_path / "package", found)).manifest
    assert manifest.runtime is Runtime.SKLEARN
    assert manifest.metrics.estimates["roc_auc"].value > 0.95


def test_a_booster_says_its_columns_and_the_sample_the_classes(tmp_path: Path) -> None:
    frame, labels = a_frame()
    data = lightgbm.Dataset(frame[["amount", "visits"]], [int(label == "ok") for label in labels])
    lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5).save_model(tmp_path / "fraud.txt")
    found = infer(tmp_path / "fraud.txt", a_sample(), "is_fraud", trust=False)
    assert [feature.name for feature in found.features] == ["amount", "visits"]
    assert (found.classes, found.own_order) == (("ok", "fraud"), ("fraud", "ok"))
    assert open_package(packed(tmp_path / "package", found)).manifest.output_order == (1, 0)


@pytest.mark.parametrize("suffix", [".txt", ".skops", ".ubj", ".json", ".onnx", ".pkl"])
def test_a_file_that_is_no_model_is_refused_with_its_name(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"fraud{suffix}"
    file.write_bytes(np.random.default_rng(1).bytes(3_000))
    with pytest.raises(PackageInvalid, match=f"fraud{suffix}"):
        infer(file, a_sample(), "is_fraud", trust=True)


def test_a_tree_that_points_outside_of_itself_is_refused_before_its_library_reads_it(tmp_path: Path) -> None:
    frame, labels = a_frame()
    data = lightgbm.Dataset(frame[["amount", "visits"]], [int(label == "ok") for label in labels])
    file = tmp_path / "fraud.txt"
    lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5).save_model(file)
    text = file.read_text()
    line = next(line for line in text.split("\n") if line.startswith("left_child="))
    file.write_text(text.replace(line, line.rpartition(" ")[0] + " 1000000", 1))
    with pytest.raises(PackageInvalid, match="left_child"):
        infer(file, a_sample(), "is_fraud", trust=False)


def test_the_score_is_for_the_class_of_earlier_versions(tmp_path: Path) -> None:
    frame, labels = a_frame()
    data = lightgbm.Dataset(frame[["amount", "visits"]], [int(label == "ok") for label in labels])
    lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5).save_model(tmp_path / "fraud.txt")
    for earlier, classes in (
        (("fraud", "ok"), ("fraud", "ok")),
        (("ok", "fraud"), ("ok", "fraud")),
        (("yes", "no"), ("ok", "fraud")),
    ):
        found = infer(tmp_path / "fraud.txt", a_sample(), "is_fraud", trust=False, in_order=earlier)
        assert (found.classes, found.own_order) == (classes, ("fraud", "ok"))


def test_kinds_come_from_values() -> None:
    from andon.models.inferring import _kind

    assert _kind(["1", "2.5"]) is FeatureKind.NUMBER
    assert _kind(["True", "false"]) is FeatureKind.BOOLEAN
    assert _kind(["2026-01-01", "2026-01-02T10:00:00"]) is FeatureKind.TIME
    assert _kind(["DE", "1"]) is FeatureKind.CATEGORY


def test_a_pickle_is_looked_into_only_when_trusted(tmp_path: Path) -> None:
    joblib.dump(a_pipeline(), tmp_path / "model.joblib")
    with pytest.raises(PickleRefused, match="--trust"):
        infer(tmp_path / "model.joblib", a_sample(), None, trust=False)
    assert infer(tmp_path / "model.joblib", a_sample(), None, trust=True).classes == ("ok", "fraud")


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    skops.io.dump(a_pipeline(), tmp_path / "m.skops")
    rows, model = a_sample(), tmp_path / "m.skops"
    with pytest.raises(PackageInvalid, match="'country', which the sample does not have"):
        infer(model, [{n: v for n, v in row.items() if n != "country"} for row in rows], None, trust=False)
    with pytest.raises(
        PackageInvalid, match=r"Use --target to name the column with the true class: one of is_fraud, note"
    ):
        infer(model, [row | {"note": "x"} for row in rows], None, trust=False)
    with pytest.raises(PackageInvalid, match="holds odd, and the model knows fraud, ok"):
        infer(model, [rows[0] | {"is_fraud": "odd"}, *rows], None, trust=False)
    with pytest.raises(PackageInvalid, match="has 3 rows"):
        infer(model, rows[:3], None, trust=False)
    assert name_of(Path("1 Fraud_Risk.skops")) == "model-1-fraud-risk"


def a_text_pipeline(columns: Any, **limits: int) -> Any:
    """Return a pipeline that reads the body of a mail, or the body and subject of a frame."""
    of_body = TfidfVectorizer(**limits)
    if columns is None:
        return make_pipeline(of_body, LogisticRegression())
    seen = ColumnTransformer(
        [("s", TfidfVectorizer(), "subject"), ("b", of_body, "body"), ("c", OneHotEncoder(), ["channel"])]
    )
    return make_pipeline(seen, LogisticRegression())


def mail_rows(seed: int) -> tuple[pandas.DataFrame, list[str]]:
    columns, teams = mails(150, seed)
    return pandas.DataFrame({**columns, "channel": ["web", "branch"] * 75}), teams


def test_a_pipeline_with_columns_of_text_says_which_they_are(tmp_path: Path) -> None:
    frame, teams = mail_rows(1)
    skops.io.dump(a_text_pipeline(frame).fit(frame, teams), tmp_path / "model.skops")
    others, true = mail_rows(2)
    sample = others.assign(team=true).to_dict("records")
    found = infer(tmp_path / "model.skops", sample, "team", trust=False)
    assert {one.name: one.kind for one in found.features} == {
        "subject": FeatureKind.TEXT,
        "body": FeatureKind.TEXT,
        "channel": FeatureKind.CATEGORY,
    }
    assert found.classes == TEAMS


def test_a_pipeline_on_one_text_takes_the_column_that_reads_like_text(tmp_path: Path) -> None:
    frame, teams = mail_rows(1)
    joblib.dump(a_text_pipeline(None, max_features=30).fit(frame["body"], teams), tmp_path / "model.joblib")
    others, true = mail_rows(2)
    sample = others.drop(columns="subject").assign(id=[f"m{at}" for at in range(150)], team=true).to_dict("records")
    found = infer(tmp_path / "model.joblib", sample, "team", trust=True)
    assert [(one.name, one.kind) for one in found.features] == [("body", FeatureKind.TEXT)]
    with pytest.raises(PackageInvalid, match="takes one column of text, and the sample has several: subject, body"):
        infer(
            tmp_path / "model.joblib",
            others.drop(columns="channel").assign(team=true).to_dict("records"),
            "team",
            trust=True,
        )
