"""The page "Write a procedure": its procedure is one, its test passes, and old code may stand beside new."""

import asyncio
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from andon.authoring import ProcedureSpec

PAGE = (Path(__file__).parents[2] / "docs/how-to/write-a-procedure.md").read_text(encoding="utf-8")
DECISION = {"id": "d-1", "outcome": "pause", "input": {"transfer_id": "t-1"}}


def the(what: str) -> str:
    [block] = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if what in block]
    return str(block)


@pytest.fixture
def page(tmp_path: Path) -> ModuleType:
    """Return the page's code as a file: the version of a procedure is made of its source."""
    file = tmp_path / "written.py"
    changed = the("retired=True").partition("screening =")[0].replace("pause_transfer(", "pause_transfer_now(")
    file.write_text(f"DECISION = {DECISION}\n{the('class Decided')}\n{the('rehearse(')}\n{changed}", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("written", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_its_procedure_is_one_and_its_test_passes(page: ModuleType) -> None:
    assert isinstance(page.pause_transfer, ProcedureSpec)
    asyncio.run(page.test_a_transfer_that_the_customer_knows_is_released())


def test_the_old_code_may_stand_beside_the_new(page: ModuleType) -> None:
    old, new = page.pause_transfer_before, page.pause_transfer_now
    assert (old.name, old.retired, new.name, new.retired) == ("pause-transfer", True, "pause-transfer", False)
