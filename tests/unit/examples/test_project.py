"""The example as a person gets it: a folder that trains its model and passes its own tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def test_the_example_trains_its_model_and_passes_its_own_tests(example: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my-line"
    shutil.copytree(example, folder, ignore=shutil.ignore_patterns("package", ".andon", "__pycache__"))
    _run(folder, "train.py")
    said = _run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "passed" in said
    assert "skipped" not in said


def _run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
