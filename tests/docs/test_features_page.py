"""The page "Give the model more features" is correct: its features exist, and an automation takes them."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from andon import Automation, Expect, Policy
from andon.authoring import EXPECTED

PAGE = (Path(__file__).parents[2] / "docs/how-to/features.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


class Transfer(BaseModel):
    account_id: str
    amount: float
    hour: int
    country: str


def automation(**given: Any) -> Automation:
    return Automation(
        "screening", contract=Transfer, subject="account_id", model="m", policy=Policy("otherwise: review"), **given
    )


@pytest.mark.parametrize("block", BLOCKS)
def test_its_features_are_taken_by_an_automation(block: str) -> None:
    scope: dict[str, Any] = {}
    exec(compile(block, "features.md", "exec"), scope)
    assert automation(features=scope["features"]).features


def test_what_it_expects_is_taken_and_the_policy_reads_what_it_says() -> None:
    (listed,) = re.findall(r"expect=(\[.*?\n        \])", PAGE, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(BLOCKS[2] + BLOCKS[3].replace("features = [", "features += ["), "features.md", "exec"), scope)
    expect = eval(compile(listed, "features.md", "eval"), {"Expect": Expect})
    assert len(automation(features=scope["features"], expect=expect).expect) == 3
    assert all(f"features.{name}" in PAGE for name in EXPECTED)
