"""What is learnt from a data file, and what is refused with a reason."""

from pathlib import Path

import pytest
from tests.unit.scaffold.tables import column, plan_of, write

from andon import scaffold
from andon.scaffold import ColumnKind, DataUnusable
from andon.scaffold.planning import Options, plan
from andon.scaffold.rendering import render

YES_NO = ["yes", "no"] * 20
NUMBERS = [f"{i * 7 % 40}.5" for i in range(40)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([f"{i}.5" for i in range(40)], ColumnKind.NUMBER),
        ([f"{i},5" for i in range(40)], ColumnKind.NUMBER),
        ([f"1,{i:03}.50" for i in range(40)], ColumnKind.NUMBER),
        ([f"${i}.00" for i in range(40)], ColumnKind.NUMBER),
        ([str(i * i) for i in range(40)], ColumnKind.INTEGER),
        (["0", "1"] * 20, ColumnKind.BOOLEAN),
        (["Yes", "no"] * 20, ColumnKind.BOOLEAN),
        (["TRUE", "FALSE"] * 20, ColumnKind.BOOLEAN),
        (["red", "blue", "green", "blue"] * 10, ColumnKind.CATEGORY),
        (["01067", "80331"] * 20, ColumnKind.CATEGORY),
        ([f"2024-01-{i % 28 + 1:02}" for i in range(40)], ColumnKind.TIME),
        ([f"2024-01-{i % 28 + 1:02}T10:00:00Z" for i in range(40)], ColumnKind.TIME),
        ([f"{i % 28 + 1}/1/2024" for i in range(40)], ColumnKind.TIME),
        ([f"1/{i % 28 + 1}/2024 1:30 PM" for i in range(40)], ColumnKind.TIME),
        ([f"{i % 28 + 1:02}.01.2024" for i in range(40)], ColumnKind.TIME),
        ([f"202401{i % 28 + 1:02}" for i in range(40)], ColumnKind.TIME),
        ([f"a{i}" for i in range(40)], ColumnKind.IDENTIFIER),
        ([f"customer {i} was not happy" for i in range(40)], ColumnKind.TEXT),
        (["same"] * 40, ColumnKind.CONSTANT),
        (["NA", ""] * 20, ColumnKind.EMPTY),
    ],
)
def test_a_column_is_known_by_its_cells(tmp_path: Path, cells: list[str], kind: ColumnKind) -> None:
    plan = plan_of(write(tmp_path, {"it": cells, "other": NUMBERS, "y": YES_NO}))
    assert column(plan, "it").kind is kind


@pytest.mark.parametrize("spelling", ["", "NA", "n/a", "NaN", "null", "NULL", "None", "?", "-", "#N/A", "inf"])
def test_missing_values_are_known_by_their_spellings(tmp_path: Path, spelling: str) -> None:
    plan = plan_of(write(tmp_path, {"it": [spelling, *NUMBERS[1:]], "y": YES_NO}))
    assert column(plan, "it").kind is ColumnKind.NUMBER
    assert column(plan, "it").missing == pytest.approx(1 / 40)


def test_a_word_among_numbers_is_pointed_out(tmp_path: Path) -> None:
    cells = ["unknown", *(f"{i}.5" for i in range(1, 80))]
    plan = plan_of(write(tmp_path, {"it": cells, "other": NUMBERS * 2, "y": YES_NO * 2}))
    assert any("'unknown' (1 rows)" in note for note in plan.notes)
    assert not column(plan, "it").used


def test_row_numbers_are_dropped_and_identifiers_kept_out_of_the_model(tmp_path: Path) -> None:
    rows = [str(i) for i in range(40)]
    plan = plan_of(write(tmp_path, {"": rows, "order_id": [f"{i}17" for i in range(40)], "n": NUMBERS, "y": YES_NO}))
    assert [column.name for column in plan.features] == ["n"]
    assert "order_id: left out, it is different in every row; --keep order_id brings it back" in plan.notes
    assert column(plan, "column_1").kind is ColumnKind.INDEX
    assert column(plan, "order_id").kind is ColumnKind.IDENTIFIER


def test_the_rarer_class_is_positive_unless_told(tmp_path: Path) -> None:
    source = write(tmp_path, {"n": NUMBERS, "y": ["ok"] * 28 + ["bad"] * 12})
    assert plan_of(source).target.classes == ("ok", "bad")
    assert any("'bad' counts as positive (30% of rows; the rarer value" in note for note in plan_of(source).notes)
    assert plan_of(source, positive="ok").target.classes == ("bad", "ok")


def test_honest_columns_raise_no_warning_even_when_the_target_is_rare(tmp_path: Path) -> None:
    rare = ["yes" if i % 100 == 0 else "no" for i in range(2000)]
    colours = [("red", "green", "blue")[i % 3] for i in range(2000)]
    plan = plan_of(write(tmp_path, {"c": colours, "n": [f"{i * 7919 % 2000}.5" for i in range(2000)], "y": rare}))
    assert plan.notes == ("y: 'yes' counts as positive (1% of rows; the rarer value; choose with --positive)",)


REFUSED = {
    "no such target": ({"n": NUMBERS, "Is_Fraud": YES_NO}, "is_fraud", "did you mean 'Is_Fraud'"),
    "nothing close": ({"n": NUMBERS, "y": YES_NO}, "zebra", "the columns are n, y"),
    "constant": ({"n": NUMBERS, "y": ["no"] * 40}, "y", "always 'no'"),
    "empty": ({"n": NUMBERS, "y": ["NA"] * 40}, "y", "has no values"),
    "mostly missing": ({"n": NUMBERS, "y": ["yes", "no"] * 9 + [""] * 22}, "y", "18 of 40 rows"),
    "quantity": ({"n": NUMBERS, "y": [f"{i}.25" for i in range(40)]}, "y", "quantity (40 different numbers)"),
    "time": ({"n": NUMBERS, "y": [f"2024-01-{i % 2 + 1:02}" for i in range(40)]}, "y", "is a time"),
    "many classes": ({"n": NUMBERS * 2, "y": [f"c{i}" for i in range(80)]}, "y", "80 different values"),
    "rare class": ({"n": NUMBERS, "y": ["a"] * 36 + ["b"] * 4}, "y", "'b' (4)"),
    "names only": ({"name": [f"Ann Lee Number {i}" for i in range(40)], "y": YES_NO}, "y", "name contains names"),
    "target only": ({"y": YES_NO}, "y", "only the target"),
    "one row": ({"n": ["1"], "y": ["yes"]}, "y", "one row"),
    "no rows": ({"n": [], "y": []}, "y", "no rows"),
}


@pytest.mark.parametrize(("columns", "target", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_used_is_refused_with_the_reason_and_nothing_is_written(
    tmp_path: Path, columns: dict[str, list[str]], target: str, told: str
) -> None:
    source = write(tmp_path, columns)
    with pytest.raises(scaffold.DataUnusable) as refused:
        scaffold.from_data("line", tmp_path, source, target=target)
    assert told in str(refused.value)
    assert list(tmp_path.iterdir()) == [source]


def test_a_positive_value_that_is_not_there_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, {"n": NUMBERS, "y": YES_NO})
    with pytest.raises(scaffold.DataUnusable, match="it has 'no' and 'yes'"):
        plan_of(source, positive="1")


def test_a_positive_value_of_more_than_two_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, {"n": NUMBERS, "y": ["a", "b", "c", "c"] * 10})
    with pytest.raises(scaffold.DataUnusable, match="two values"):
        plan_of(source, positive="a")


def test_a_time_that_does_not_order_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, {"n": NUMBERS, "c": ["a", "b"] * 20, "y": YES_NO})
    with pytest.raises(
        scaffold.DataUnusable, match="40 of 40 values order no rows, such as 'a', 'b'; expected ISO 8601"
    ):
        plan_of(source, time="c")


def test_a_time_after_which_a_class_does_not_occur_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, {"n": NUMBERS, "t": [str(i * i) for i in range(40)], "y": ["yes"] * 15 + ["no"] * 25})
    with pytest.raises(scaffold.DataUnusable, match="0 of 15 rows of y 'yes' are in the newest quarter"):
        plan_of(source, time="t")


def test_of_two_columns_of_one_name_the_second_is_renamed_with_a_notice(tmp_path: Path) -> None:
    source = tmp_path / "data.csv"
    source.write_text("a,a,y\n" + "".join(f"{i % 7},{i % 5},{('yes', 'no')[i % 2]}\n" for i in range(40)))
    plan = plan_of(source)
    assert [column.name for column in plan.columns] == ["a", "a_2"]
    assert plan.notes[0] == "another column is also called 'a': it is read as 'a_2'"


def test_rows_that_belong_together_are_held_out_together_and_count_once(tmp_path: Path) -> None:
    """The column is a field of the contract and the automation's subject, and less evidence is expected."""
    rows = {"account": [f"a{at // 4}" for at in range(400)], "other": NUMBERS * 10, "y": YES_NO * 10}
    source = write(tmp_path, rows)
    grouped = plan("line", source, target_name="y", time_name=None, positive=None, options=Options(groups="account"))
    assert grouped.groups is not None
    assert grouped.groups.field == "account"
    alone = plan_of(source)
    assert grouped.proposal.trial.held_out == pytest.approx(alone.proposal.trial.held_out / 4, abs=1)
    files = render(grouped, tmp_path)
    assert 'subject="account"' in files["automation.py"]
    assert "groups=GROUPS" in files["train.py"]
    assert "subject=" not in render(alone, tmp_path)["automation.py"]


@pytest.mark.parametrize("name", ["y", "empty", "nowhere"])
def test_groups_must_be_a_column_that_callers_send(tmp_path: Path, name: str) -> None:
    source = write(tmp_path, {"empty": [""] * 40, "other": NUMBERS, "y": YES_NO})
    with pytest.raises(DataUnusable, match=name):
        plan("line", source, target_name="y", time_name=None, positive=None, options=Options(groups=name))
