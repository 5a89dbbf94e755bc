"""What predictions may cost, and what answers then: what cannot be meant is refused where it is declared."""

from pathlib import Path
from typing import Any

import pytest

from andon import Budget
from andon.authoring import DeclarationInvalid
from andon.decisions import AutomationInvalid, load_file


@pytest.mark.parametrize("amount", [0, -1.0, 1e-12, 1e10, float("nan"), float("inf"), float("-inf")])
def test_an_amount_that_cannot_be_counted_is_refused(amount: float) -> None:
    with pytest.raises(DeclarationInvalid, match=r"Budget: expected an amount from 0\.000000001 to 9000000000, got "):
        Budget(amount)


@pytest.mark.parametrize("amount", ["5", None, True, [5.0]])
def test_an_amount_is_a_number(amount: Any) -> None:
    with pytest.raises(DeclarationInvalid, match=r"Budget: expected a number as the amount, got "):
        Budget(amount)


def test_what_is_wrong_with_a_budget_is_told_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "automation.py"
    file.write_text("from andon import Budget\n\nbudget = Budget(1e-12)\n", encoding="utf-8")
    with pytest.raises(AutomationInvalid, match=r"automation\.py:3: Budget: expected an amount"):
        load_file(file)
