"""A target of many numbers: refused with a command that works, and parted into classes as its owner says."""

import shlex
from pathlib import Path

import pytest
from tests.unit.scaffold.tables import write

from andon.notations import read_number
from andon.scaffold import Classing, DataUnusable, Plan
from andon.scaffold.planning import Options, plan

NUMBERS = [f"{i}.5" for i in range(300)]
COLUMNS = {"x": [f"{i * 7 % 300}.25" for i in range(300)], "y": NUMBERS}


def planned(source: Path, classing: Classing | None = None, positive: str | None = None) -> Plan:
    return plan("line", source, target_name="y", time_name=None, positive=positive, options=Options(classing=classing))


def test_the_refusal_holds_a_command_that_works(tmp_path: Path) -> None:
    source = write(tmp_path, COLUMNS)
    with pytest.raises(DataUnusable) as refused:
        planned(source)
    words = shlex.split(str(refused.value).partition("\n\n")[2].strip())
    assert words[:2] == ["andon", "init"]
    named = dict(zip(words[3::2], words[4::2], strict=True))
    assert (named["--from"], named["--target"]) == (str(source), "y")
    cuts = tuple(map(float, named["--cuts"].split(",")))
    made = planned(source, Classing(tuple(named["--classes"].split(",")), cuts))
    assert made.target.classes == ("low", "middle", "high")
    assert max(made.target.counts) - min(made.target.counts) <= 3


def test_a_value_at_a_cut_belongs_to_the_class_above(tmp_path: Path) -> None:
    made = planned(write(tmp_path, COLUMNS), Classing(("small", "it's large"), (100.5,)))
    assert dict(zip(made.target.classes, made.target.counts, strict=True)) == {"small": 100, "it's large": 200}
    assert made.notes[0] == "y: small below 100.5; it's large from 100.5"


def test_without_cuts_the_rows_are_parted_evenly(tmp_path: Path) -> None:
    made = planned(write(tmp_path, COLUMNS), Classing(("a", "b", "c", "d")))
    assert made.cuts is not None
    assert made.cuts.at == (74.5, 150.0, 224.0)


def test_numbers_as_a_german_file_has_them_are_cut_and_read_in_training(tmp_path: Path) -> None:
    made = planned(
        write(tmp_path, {**COLUMNS, "y": [f"1.{i:03},50" for i in range(300)]}), Classing(("a", "b"), (1100,))
    )
    assert made.cuts is not None
    assert eval(made.cuts.reader, {"value": "1.234,50", "read_number": read_number}) == 1234.5
    assert made.target.counts == (100, 200) or made.target.counts == (200, 100)


@pytest.mark.parametrize(
    ("classing", "told"),
    [
        (Classing(("a", "b", "c"), (1.0,)), "3 classes need 2 cuts, got 1"),
        (Classing(("a", "b", "c"), (2.0, 1.0)), "rising numbers"),
        (Classing((), (2.0,)), "--cuts needs --classes"),
        (Classing(("a", "a")), "different names"),
        (Classing(("a", "b"), (900.0,)), "No row is 'b': 'y' ranges from 0.5 to 299.5"),
        (Classing(("a", "b"), (3.0,)), "too few rows"),
    ],
)
def test_what_makes_no_classes_is_refused(tmp_path: Path, classing: Classing, told: str) -> None:
    with pytest.raises(DataUnusable, match=told):
        planned(write(tmp_path, COLUMNS), classing)


def test_a_target_of_text_has_no_cuts(tmp_path: Path) -> None:
    source = write(tmp_path, {**COLUMNS, "y": ["yes", "no"] * 150})
    with pytest.raises(DataUnusable, match="target of numbers"):
        planned(source, Classing(("a", "b")))
