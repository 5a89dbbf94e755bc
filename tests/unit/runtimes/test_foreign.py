"""The folder of the runtimes works where no Andon is installed: in another virtual environment, loaded by its path."""

import ast
import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest

from andon import runtimes
from andon.models import open_package
from packages import an_onnx_package

FOLDER = Path(runtimes.__file__).parent

OPEN = """
import json, sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def load_runtimes(folder):
    spec = spec_from_file_location("runtimes", folder / "__init__.py")
    module = sys.modules["runtimes"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


site, folder, package = map(Path, sys.argv[1:])
sys.path.append(str(site))
runtimes = load_runtimes(folder)
import numpy as np
manifest = json.loads((package / "manifest.json").read_text())
model = runtimes.open_model(
    manifest["runtime"], package / manifest["model_file"], trusted=False, signature=manifest["signature"]
)
print(json.dumps(model.predict(np.array(manifest["probes"]["rows"], dtype=np.float64)).tolist()))
strange = {"andon", "pydantic", "sklearn", "lightgbm", "pandas"} & set(sys.modules)
assert not strange, strange
"""


def a_site(folder: Path, *names: str) -> Path:
    """Return a folder of packages that holds these distributions and nothing else."""
    folder.mkdir()
    for name in names:
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            (folder / top).symlink_to(Path(str(found.locate_file(top))))
    return folder


def test_a_packed_onnx_model_answers_in_an_environment_without_andon(tmp_path: Path) -> None:
    package = an_onnx_package(tmp_path)
    site = a_site(tmp_path / "site", "numpy", "onnxruntime")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", OPEN, site, FOLDER, package], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    probes = open_package(package).manifest.probes
    np.testing.assert_allclose(json.loads(done.stdout), probes.probabilities, atol=1e-6)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.name)
def test_a_runtime_imports_nothing_of_andon(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(name.name.partition(".")[0] == "andon" for name in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1 or (node.level == 0 and str(node.module).partition(".")[0] != "andon")
