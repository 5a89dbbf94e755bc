"""Models with code of their own: a Python class, a saved MLflow model. Packing finds what they lack."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from andon.models import PackageInvalid, PythonModel, open_package
from andon.models.package import danger_of
from packages import packed

pytestmark = pytest.mark.long

CONSTANT = """
import numpy as np
class Constant:
    def __init__(self, folder): self.p = float((folder / "p.txt").read_text())
    def predict(self, columns): return np.full(len(columns["amount"]), self.p)
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Make a builder's folder with a module and a file."""
    (tmp_path / "constant.py").write_text(CONSTANT)
    (tmp_path / "p.txt").write_text("0.25")
    return tmp_path


def a_model(folder: Path, *, entry: str = "constant:Constant", files: tuple[str, ...] = ("p.txt",)) -> PythonModel:
    return PythonModel(entry, code=[folder / "constant.py"], files=[folder / name for name in files])


def test_a_class_is_packed_with_its_code_and_files_and_the_same_bytes_each_time(written: Path) -> None:
    first, second = (open_package(packed(written / name, a_model(written))) for name in ("a", "b"))
    (written / "constant.py").touch()
    assert first.manifest.files == second.manifest.files
    with zipfile.ZipFile(first.folder / "model.zip") as archive:
        assert archive.namelist() == ["entry", "code/", "files/", "code/constant.py", "files/p.txt"]
    assert {p for row in first.manifest.probes.probabilities for p in row} == {0.25, 0.75}


def test_it_needs_trust_and_a_process_of_its_own(written: Path) -> None:
    package = open_package(packed(written / "package", a_model(written)))
    assert package.manifest.runtime.isolated_only
    assert "--trust" in str(danger_of(package))


def test_packing_it_imports_nothing_into_the_training_process(written: Path) -> None:
    packed(written / "package", a_model(written))
    assert "constant" not in sys.modules


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import helper_that_stayed_behind\n", "No module named 'helper_that_stayed_behind'"),
        ("import andon.models\n", "imports Andon"),
        ("raise OSError('no licence')\n", "OSError: no licence"),
    ],
)
def test_what_would_fail_where_it_runs_fails_at_packing(written: Path, code: str, why: str) -> None:
    (written / "helper_that_stayed_behind.py").write_text("")
    (written / "constant.py").write_text(code + CONSTANT)
    with pytest.raises(PackageInvalid, match=why):
        packed(written / "package", a_model(written))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("np.array(['ok'] * len(columns['amount']))", "not labels"),
        ("np.ones(len(columns['amount']), dtype=int)", "answered with int64.*expected probabilities"),
        ("np.full((1, 2), 0.5)", "expected probabilities of shape"),
        ("np.full(len(columns['amount']), np.nan)", "not probabilities"),
    ],
)
def test_labels_and_other_answers_that_are_no_probabilities_are_refused(written: Path, answer: str, why: str) -> None:
    body = (
        "import numpy as np\nclass Constant:\n    def __init__(self, folder): pass\n"
        f"    def predict(self, columns): return {answer}\n"
    )
    (written / "constant.py").write_text(body)
    with pytest.raises(PackageInvalid, match=why) as refused:
        packed(written / "package", a_model(written))
    assert "missing values" not in str(refused.value)


def test_what_is_named_wrongly_is_said(written: Path) -> None:
    with pytest.raises(PackageInvalid, match="does not name a class"):
        a_model(written, entry="constant.Constant")
    with pytest.raises(PackageInvalid, match="has no attribute 'Missing'"):
        packed(written / "a", a_model(written, entry="constant:Missing"))
    with pytest.raises(PackageInvalid, match=r"absent\.txt does not exist"):
        packed(written / "b", a_model(written, files=("absent.txt",)))
    with pytest.raises(PackageInvalid, match="is given twice"):
        packed(written / "c", a_model(written, files=("p.txt", "p.txt")))
    with pytest.raises(PackageInvalid, match="requires no-such-thing, which is not installed"):
        packed(written / "d", a_model(written), requires=["no-such-thing"])


def test_its_environment_holds_what_it_imports_with_what_that_requires(written: Path) -> None:
    (written / "constant.py").write_text("import jinja2\n" + CONSTANT)
    packages = open_package(packed(written / "package", a_model(written))).manifest.environment.packages
    assert set(packages) == {"Jinja2", "MarkupSafe", "numpy"} or set(packages) == {"jinja2", "markupsafe", "numpy"}


SAVE_LABELS = """
import os, sys, warnings
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
import mlflow.sklearn, numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
import pandas
rows = pandas.DataFrame({"amount": np.linspace(0, 600, 200), "country": ["DE"] * 200})
model = make_pipeline(make_column_transformer(("passthrough", ["amount"])), HistGradientBoostingClassifier(max_iter=5))
model.fit(rows, np.where(rows["amount"] > 300, "fraud", "ok"))
for name in ("predict", "predict_proba"):
    mlflow.sklearn.save_model(
        model,
        name,
        pyfunc_predict_fn=name,
        pip_requirements=["scikit-learn", "mlflow"],
        serialization_format="cloudpickle",
    )
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model, saved by MLflow to answer with labels and to answer with probabilities."""
    folder = tmp_path_factory.mktemp("mlflow")
    done = subprocess.run([sys.executable, "-c", SAVE_LABELS], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_an_mlflow_model_that_answers_with_labels_is_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(PackageInvalid, match="not labels"):
        packed(tmp_path / "package", saved / "predict", model_classes=("fraud", "ok"))


def test_one_that_answers_with_probabilities_is_packed(saved: Path, tmp_path: Path) -> None:
    package = open_package(packed(tmp_path / "package", saved / "predict_proba", model_classes=("fraud", "ok")))
    assert package.manifest.metrics.estimates["roc_auc"].value > 0.8
    assert {"scikit-learn", "mlflow-skinny", "pandas"} <= set(package.manifest.environment.packages)


def test_one_that_requires_what_is_not_installed_is_refused(saved: Path, tmp_path: Path) -> None:
    model = shutil.copytree(saved / "predict_proba", tmp_path / "model")
    (model / "requirements.txt").write_text("no-such-thing==1.0\n--hash=x\n")
    with pytest.raises(PackageInvalid, match="requires no-such-thing"):
        packed(tmp_path / "package", model, model_classes=("fraud", "ok"))
