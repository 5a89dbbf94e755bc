"""A gateway loads only the libraries its model needs: its memory is the price of the whole installation."""

import subprocess
import sys
from pathlib import Path

from packages import a_package

LOAD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from andon import models, serving
folder = Path(sys.argv[1])
manifest = models.open_package(folder).manifest
version = models.ModelVersion("m", 1, manifest.digest, manifest, "o", "r", datetime.now(UTC))
endpoint = serving.load(version, folder)
endpoint.predict([{"amount": 1.0, "country": "DE"}])
heavy = {"sklearn", "onnxruntime", "xgboost", "skops", "joblib", "pandas", "scipy.stats", "scipy.optimize"}
print(*sorted(heavy & set(sys.modules)))
import sklearn.linear_model
"""


def test_serving_lightgbm_imports_neither_scikit_learn_nor_another_runtime(tmp_path: Path) -> None:
    package = a_package(tmp_path / "package")
    done = subprocess.run([sys.executable, "-c", LOAD, package], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
