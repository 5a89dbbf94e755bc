"""What is found in a file whose values are spelled in many ways, and what is told of those that cannot be read."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from andon.scaffold import ColumnKind, DataUnusable, Options, from_data
from andon.scaffold.planning import plan

from .tables import column, plan_of, write

ROWS = 60
X = [str(i * 7 % 11 + i / 100) for i in range(ROWS)]
Y = [("no", "yes")[i % 3 == 0] for i in range(ROWS)]


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ([f"2026-12-{i % 28 + 1:02} 10:{i:02}:00+0000" for i in range(ROWS)], "iso"),
        ([f"{i % 28 + 1} Dec 2026 10:{i:02}:00 +0100" for i in range(ROWS)], "rfc-2822"),
        ([f"2026-W{i % 52 + 1:02}" for i in range(ROWS)], "iso-week"),
        ([str(1_700_000_000 + 60 * i) for i in range(ROWS)], "epoch-s"),
        ([str((1_700_000_000 + 60 * i) * 1_000_000) for i in range(ROWS)], "epoch-us"),
    ],
)
def test_times_are_known_in_the_forms_they_come_in(tmp_path: Path, cells: list[str], form: str) -> None:
    found = column(plan_of(write(tmp_path, {"created_at": cells, "x": X, "y": Y})), "created_at")
    assert (found.kind, found.time_format) == (ColumnKind.TIME, form)


def test_a_target_of_true_in_any_case_has_two_classes_and_training_reads_them_so(tmp_path: Path) -> None:
    target = [("True", "TRUE", "true", "False", "FALSE")[i % 5] for i in range(ROWS)]
    source = write(tmp_path, {"x": X, "y": target})
    folder, made = from_data("line", tmp_path, source, target="y")
    assert made.target.classes == ("true", "false")
    assert "label=str.lower" in (folder / "train.py").read_text()


def test_amounts_in_brackets_and_with_currencies_are_numbers_and_mixed_ones_are_noticed(tmp_path: Path) -> None:
    amounts = [("(€1,200.50)", "$5", "€ 7")[i % 3] for i in range(ROWS)]
    made = plan_of(write(tmp_path, {"amount": amounts, "x": X, "y": Y}))
    assert (column(made, "amount").low, column(made, "amount").high) == (-1200.5, 7)
    assert "amount: amounts in $, € are read as plain numbers" in made.notes


def test_what_is_read_only_partly_is_shown_with_three_values(tmp_path: Path) -> None:
    cells = [f"{i}.5" if i % 4 else f"odd {i}" for i in range(ROWS)]
    made = plan_of(write(tmp_path, {"amount": cells, "x": X, "y": Y}))
    (note,) = [note for note in made.notes if "but not" in note]
    assert note == (
        "amount: 75% of the values are numbers, but not 'odd 0', 'odd 12', 'odd 16' (15 rows); empty these cells "
        "to use it"
    )


def test_a_time_with_a_value_that_is_none_names_it_and_what_is_taken(tmp_path: Path) -> None:
    cells = [f"2026-12-{i % 28 + 1:02}" if i else "yesterday" for i in range(ROWS)]
    with pytest.raises(
        DataUnusable, match=r"1 of 60 values order no rows, such as 'yesterday'; expected ISO 8601 .*RFC 2822"
    ):
        plan_of(write(tmp_path, {"when": cells, "x": X, "y": Y}), time="when")


def test_a_split_without_a_class_in_the_newest_quarter_proposes_one_that_works(tmp_path: Path) -> None:
    days = [(datetime(2026, 1, 1) + timedelta(days=i)).isoformat() for i in range(ROWS)]  # noqa: DTZ001 (as in a file)
    target = ["yes" if i % 2 and i < 35 else "no" for i in range(ROWS)]
    source = write(tmp_path, {"when": days, "x": X, "y": target})
    with pytest.raises(DataUnusable, match=r"newest quarter, .* --held-out 0\.75 measures on the newest 75% and works"):
        plan_of(source, time="when")
    options = Options(held_out=0.75)
    made = plan("line", source, target_name="y", time_name="when", positive=None, options=options)
    assert made.held_out == 0.75
