"""Columns that follow the target are left out, with the reason and the way back; honest ones stay."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from tests.unit.scaffold.tables import column, plan_of, write

from andon.scaffold import DataUnusable

ROWS = 2000
Y = ["yes" if i % 10 == 0 else "no" for i in range(ROWS)]
START = datetime(2024, 1, 1, tzinfo=UTC)


def noise(seed: int = 0) -> list[str]:
    random = Random(seed)
    return [f"{random.gauss(0, 1):.4f}" for _ in range(ROWS)]


def refunds() -> list[str]:
    """Fill it for six of ten positives, and never for a negative."""
    random = Random(1)
    return [f"{random.random():.3f}" if y == "yes" and random.random() < 0.6 else "" for y in Y]


def nearly_equal() -> list[str]:
    """Return the target with one row of two hundred wrong."""
    return [("no" if y == "yes" else "yes") if i % 200 == 7 else y for i, y in enumerate(Y)]


PLACES = Random(3).sample(range(ROWS), ROWS)
LEAKS = {
    "a copy": (["accepted" if y == "no" else "rejected" for y in Y], "reveals the target y by itself in all rows"),
    "nearly equal": (nearly_equal(), "nearly reveals the target y by itself"),
    "ordering": ([f"{i + (9000 if y == 'yes' else 0):.1f}" for i, y in zip(PLACES, Y, strict=True)],
                 "orders the target y by itself (area under the curve 1.000)"),
    "filled for one value": (refunds(), "is filled in only for some values of the target y: it reveals 'yes'"),
    "missing for one value": (["" if y == "yes" else n for y, n in zip(Y, noise(2), strict=True)],
                              "is filled in only for some values of the target y"),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "why"), LEAKS.values(), ids=LEAKS.keys())
def test_what_follows_the_target_is_left_out_and_can_be_kept(tmp_path: Path, cells: list[str], why: str) -> None:
    source = write(tmp_path, {"it is": cells, "n": noise(), "y": Y})
    plan = plan_of(source)
    assert [one.name for one in plan.features] == ["n"]
    assert not column(plan, "it is").required
    (note,) = [note for note in plan.notes if note.startswith("it is:")]
    assert note.startswith(f"it is: left out, it {why}")
    assert note.endswith("; --keep 'it is' brings it back")
    kept = plan_of(source, keep=["it is"])
    assert column(kept, "it is").used
    assert any(note.startswith(f"it is: kept as you asked, though it {why}") for note in kept.notes)


def test_a_number_with_a_range_for_each_of_three_classes_is_left_out(tmp_path: Path) -> None:
    random = Random(5)
    prices = [random.uniform(0, 90) for _ in range(ROWS)]
    bands = [("low", "middle", "high")[int(price // 30)] for price in prices]
    plan = plan_of(write(tmp_path, {"price": [f"{p:.2f}" for p in prices], "n": noise(), "y": bands}))
    assert "each class has a range of its own" in str(column(plan, "price").reason)


def test_a_time_after_that_of_the_row_is_left_out_unless_its_name_says_that_it_was_agreed(tmp_path: Path) -> None:
    opened = [START + timedelta(hours=i) for i in range(ROWS)]
    later = [(at + timedelta(days=3)).isoformat() for at in opened]
    before = [(at - timedelta(days=300 + i % 7)).isoformat() for i, at in enumerate(opened)]
    source = write(
        tmp_path,
        {"opened": [at.isoformat() for at in opened], "closed": later, "due_date": later, "joined": before,
         "n": noise(), "y": Y},
    )  # fmt: skip
    plan = plan_of(source, time="opened")
    assert (
        "closed: left out, it is after opened in nearly all rows, so it is known only later; --keep closed"
        in " ".join(plan.notes)
    )
    assert {part.field for part in plan.times} == {"opened", "due_date", "joined"}
    assert "closed" in {part.field for part in plan_of(source, time="opened", keep=["closed"]).times}


def strong(positive: str) -> float:
    """Two bells about two deviations apart: an area of about .93."""
    return 2.1 if positive == "yes" else 0.0


def test_a_strong_but_honest_feature_is_kept(tmp_path: Path) -> None:
    random = Random(8)
    number = [f"{random.gauss(strong(y), 1):.4f}" for y in Y]
    flag = [str(int(random.random() < (0.9 if y == "yes" else 0.03))) for y in Y]
    colour = [random.choice("ab" if y == "yes" else "bcdefg") for y in Y]
    plan = plan_of(write(tmp_path, {"number": number, "flag": flag, "colour": colour, "y": Y}))
    assert [one.name for one in plan.features] == ["number", "flag", "colour"]


def test_a_rare_target_does_not_make_a_sparse_or_a_many_valued_column_a_leak(tmp_path: Path) -> None:
    random = Random(9)
    rare = ["yes" if i % 100 == 50 else "no" for i in range(ROWS)]
    sparse = [f"{random.random():.3f}" if random.random() < 0.02 else "" for _ in rare]
    towns = [f"town {random.randrange(90)}" for _ in rare]
    plan = plan_of(write(tmp_path, {"sparse": sparse, "town": towns, "n": noise(), "y": rare}))
    assert [one.name for one in plan.features] == ["sparse", "town", "n"]


def test_where_all_is_left_out_the_way_back_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        DataUnusable, match=r"no column to learn from: copy reveals the target .* --keep copy brings one back"
    ):
        plan_of(write(tmp_path, {"copy": Y, "y": Y}))


@pytest.mark.parametrize(
    ("name", "why"),
    [("nothing", "There is no column 'nothing'"), ("y", "it is the target"), ("same", "it is always 'x'")],
)
def test_what_cannot_be_kept_is_refused(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(DataUnusable, match=why):
        plan_of(write(tmp_path, {"same": ["x"] * ROWS, "n": noise(), "y": Y}), keep=[name])
