"""The page "Set a budget" is true: its automation runs, its settings load, its commands and its route exist."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from andon import Automation, Budget
from andon.cli import app
from andon.decisions import compile_policy
from andon.gateway.spending import router
from andon.kernel import config
from andon.spending import BudgetStanding, wallet
from andon.spending.domain import CUSHION, NEARLY
from andon.spending.purse import LEASE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to/set-a-budget.md").read_text(encoding="utf-8")
EXPLAINED = (DOCS / "explain/cost.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_automation_has_the_budget_and_its_policy_compiles() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("python"), "docs/how-to/set-a-budget.md", "exec"), names)
    payments: Automation = names["payments"]
    assert (payments.budget, payments.fallback) == (Budget(5.0, per="day"), ("rules", "review"))
    compile_policy(payments)


def test_the_settings_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / config.FILE_NAME).write_text(block("toml"), encoding="utf-8")
    assert config.load(tmp_path, {}).cost == config.CostSettings(cpu_hour=0.04, gpu_hour=1.0, currency="EUR")


@pytest.mark.parametrize("line", re.findall(r"^andon .*$", PAGE, re.MULTILINE))
def test_every_option_exists(line: str) -> None:
    words = line.split()[1:]
    command = words[:2] if words[0] == "budget" else words[:1]
    told = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"}).output
    assert [option for option in re.findall(r"--[a-z]+", line) if option not in told] == []


def test_the_route_exists() -> None:
    (path,) = re.findall(r"GET (/v1/\S*?)\?", PAGE)
    assert path.replace("payments", "{name}") in {route.path for route in router.routes}  # type: ignore[attr-defined]


def test_the_figures_are_those_of_the_code() -> None:
    assert all(f"`{standing}`" in PAGE.replace("\n", " ") for standing in BudgetStanding)
    assert f"At {NEARLY}%" in PAGE
    assert (f"at {100 - 100 // CUSHION}%" in PAGE, f"{100 - 100 // CUSHION}% of it" in EXPLAINED) == (True, True)
    assert f"lease of {LEASE.seconds} seconds" in EXPLAINED
    assert (wallet.MARGIN, wallet.LATELY, wallet.DEFAULT_CPU_US) == (2, 1000, 50_000)
