"""The page "Register a model" does what it says, and what it quotes is what people see."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from andon.models import open_package

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to" / "register-a-model.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SOURCE = Path(__file__).parents[2] / "src" / "andon"


def test_its_script_packs_a_good_model(tmp_path: Path) -> None:
    script, *_ = BLOCKS
    (tmp_path / "train.py").write_text(script, encoding="utf-8")
    subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=True)
    manifest = open_package(tmp_path / "package").manifest
    assert manifest.metrics.estimates["roc_auc"].low > 0.9
    assert manifest.calibration.curves


def test_its_class_of_ones_own_is_packed_by_the_lines_it_gives(tmp_path: Path) -> None:
    script, fraud_model, line, *_ = BLOCKS
    (tmp_path / "fraud_model.py").write_text(fraud_model, encoding="utf-8")
    (tmp_path / "limits.json").write_text('{"DE": 400}', encoding="utf-8")
    changed = "from andon.models import PythonModel\n" + script.replace("\npack(\n", f"\n{line}\npack(\n")
    (tmp_path / "train.py").write_text(changed, encoding="utf-8")
    subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=True)
    manifest = open_package(tmp_path / "package").manifest
    assert manifest.runtime.isolated_only
    assert manifest.metrics.estimates["roc_auc"].low > 0.9


@pytest.mark.parametrize("quoted", re.findall(r"^\| (`.*?`) \|", PAGE.partition("## When")[2], re.MULTILINE))
def test_each_refusal_it_explains_is_one_that_is_spoken(quoted: str) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    spoken = re.sub(r'"\s*\n\s*f?"', "", code)
    for message in re.findall(r"`(.*?)`", quoted):
        assert message in spoken


@pytest.mark.parametrize("page", ["how-to/register-a-model.md", "explain/model-versions.md"])
def test_its_links_lead_somewhere(page: str) -> None:
    file = DOCS / page
    for link in re.findall(r"\]\(([^)#:]+)", file.read_text(encoding="utf-8")):
        assert (file.parent / link).exists(), link
