"""The page about monitors names what there is."""

import ast
import re
from dataclasses import fields
from pathlib import Path

from andon.authoring import MONITORS, Monitors
from andon.monitors.judging import JUDGES

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "watch-a-line.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([a-z_-]+)` \|", text, re.MULTILINE)


def test_every_monitor_has_a_row_and_is_judged() -> None:
    assert tuple(first_cells(section("What is watched"))) == MONITORS
    assert {*JUDGES, "service-level"} == set(MONITORS)


def test_every_parameter_has_a_row_and_its_default() -> None:
    assert first_cells(section("Change what is watched")) == [field.name for field in fields(Monitors)]
    assert "| 0.05 |" in section("Change what is watched")


def test_the_example_declares_what_can_be_declared() -> None:
    code = section("Change what is watched").partition("```python\n")[2].partition("```")[0]
    call = next(
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Monitors"
    )
    namespace: dict[str, object] = {}
    exec("from datetime import timedelta\nfrom andon import Fairness, Monitors, ServiceLevel", namespace)
    made = eval(ast.unparse(call), namespace)
    assert isinstance(made, Monitors)
    assert {keyword.arg for keyword in call.keywords} == {field.name for field in fields(Monitors)}
