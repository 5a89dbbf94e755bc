"""Numbers that follow the order of the rows, or only identify them, are left out; ordinary numbers stay."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.unit.scaffold.tables import column, plan_of, write

ROWS = 2000

FOLLOWING: dict[str, tuple[str, Callable[[Random, int], object]]] = {
    "sparse row numbers": ("seen", lambda random, i: 7 * i + random.randrange(7)),
    "seconds since the start": ("Time", lambda _, i: round(i * 3.1, 1)),
    "falling": ("left", lambda _, i: 9000 - 3 * i),
    "in steps": ("batch", lambda _, i: i // 40),
    "in few steps": ("chunk", lambda _, i: i // 250),
    "permuted and growing": ("entry", lambda random, i: i + random.randrange(200)),
    "unevenly growing": ("day", lambda _, i: int(i**1.3) // 60),
    "dense and shuffled": ("slot", lambda _, i: (i * 7919) % ROWS + 500),
    "random identifiers": ("reading", lambda random, _: random.randrange(10**7, 10**8)),
    "named identifiers": ("customer no", lambda random, _: int(random.lognormvariate(12, 2))),
    "identifiers as decimals": ("reading", lambda random, _: f"{random.randrange(10**7, 10**8)}.0"),
    "evenly spread": ("x", lambda random, _: random.randrange(10**6)),
}

ORDINARY: dict[str, tuple[str, Callable[[Random, int], object]]] = {
    "an age": ("age", lambda random, _: random.randint(18, 90)),
    "an amount": ("amount", lambda random, _: round(random.lognormvariate(4, 1), 2)),
    "a whole amount": ("income", lambda random, _: random.randint(10_000, 99_999)),
    "a whole amount of no name": ("x7", lambda random, _: int(random.lognormvariate(12, 1))),
    "prices of six digits": ("medv", lambda random, _: int(min(999_999, 100_000 + random.lognormvariate(12, 0.6)))),
    "a zip code": ("zip", lambda random, _: random.choice((10115, 20095, 50667, 80331)) + random.randrange(40)),
    "few values": ("children", lambda random, _: random.randrange(4)),
    "a year": ("year", lambda random, _: 2010 + random.randrange(14)),
    "signed": ("change", lambda random, _: random.randint(-(10**6), 10**6)),
    "a measurement": ("temperature", lambda random, _: round(random.gauss(12, 8), 1)),
    "a trend": ("index of prices", lambda random, i: round(100 + i / 100 + random.gauss(0, 10), 2)),
}


def table(folder: Path, name: str, make: Callable[[Random, int], object]) -> Path:
    random = Random(1)
    return write(
        folder,
        {
            name: [str(make(random, i)) for i in range(ROWS)],
            "n": [f"{random.gauss(0, 1):.4f}" for _ in range(ROWS)],
            "y": [random.choice(("yes", "no")) for _ in range(ROWS)],
        },
    )


@pytest.mark.parametrize(("name", "make"), FOLLOWING.values(), ids=FOLLOWING.keys())
def test_what_follows_or_identifies_the_rows_is_left_out_and_can_be_kept(
    tmp_path: Path, name: str, make: Callable[[Random, int], object]
) -> None:
    source = table(tmp_path, name, make)
    plan = plan_of(source)
    assert [one.name for one in plan.features] == ["n"]
    assert not column(plan, name).required
    assert any(note.startswith(f"{name}: left out, it ") and "--keep" in note for note in plan.notes)
    assert column(plan_of(source, keep=[name]), name).used


@pytest.mark.parametrize(("name", "make"), ORDINARY.values(), ids=ORDINARY.keys())
def test_an_ordinary_number_is_kept(tmp_path: Path, name: str, make: Callable[[Random, int], object]) -> None:
    assert column(plan_of(table(tmp_path, name, make)), name).used


def test_a_number_in_a_file_sorted_by_the_target_is_kept(tmp_path: Path) -> None:
    random = Random(2)
    target = ["no"] * 1000 + ["yes"] * 1000
    number = [f"{random.gauss(1.5 if y == 'yes' else 0, 1):.3f}" for y in target]
    assert column(plan_of(write(tmp_path, {"n": number, "y": target})), "n").used
