"""The judge of onboarding at its bounds, and that its files hold what was drawn."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks import goals, onboarding_formats
from benchmarks.onboarding_formats import Write
from benchmarks.onboarding_judging import FEWEST_SETS, Onboarded, goals_of, problem_of
from benchmarks.onboarding_oddities import added, refund, then, unlabelled
from benchmarks.onboarding_sets import SETS
from benchmarks.onboarding_tables import loans

from andon.datafile import Query, read_rows

GOOD = Onboarded("loans", None, 9.0, 300.0, rows=2_000, automatic=1_000, errors=50, target=0.05, evidence=((400, 2),))
FAILED = Onboarded("broken", "init ended with 2", 1.0, 100.0)


def missed(*others: Onboarded, sets: int = FEWEST_SETS) -> list[str]:
    return [line.split(":")[0] for line in goals.missed(goals_of([*[GOOD] * (sets - len(others)), *others]))]


def test_good_data_sets_reach_every_goal() -> None:
    assert missed() == []


def test_fewer_than_forty_data_sets_prove_nothing() -> None:
    assert missed(sets=FEWEST_SETS - 1) == ["data sets"]


def test_two_of_forty_may_fail() -> None:
    assert missed(FAILED, FAILED) == []
    assert missed(FAILED, FAILED, FAILED) == ["share of the data sets that work"]


def test_a_target_is_broken_only_beyond_chance_among_all_data_sets() -> None:
    errors = next(n for n in range(50, 200) if replace(GOOD, errors=n).breaks(FEWEST_SETS))
    assert replace(GOOD, errors=errors - 1).breaks(1)
    assert missed(replace(GOOD, errors=errors - 1)) == []
    assert missed(replace(GOOD, errors=errors)) == ["lines that break their target beyond chance"]


def test_what_decides_nothing_breaks_nothing() -> None:
    assert not replace(GOOD, automatic=0, errors=0).breaks(FEWEST_SETS)


@pytest.mark.parametrize(
    ("evidence", "could"),
    [
        (((58, 0),), False),
        (((59, 0),), True),
        (((59, 1), (93, 1)), True),
        (((59, 1), (92, 1)), False),
        ((), False),
    ],
)
def test_a_line_could_be_automatic_where_one_exact_bound_of_a_fixed_region_proves_it(
    evidence: Sequence[Sequence[int]], could: bool
) -> None:
    idle = replace(GOOD, automatic=0, errors=0, evidence=evidence)
    assert idle.could == could
    assert missed(idle) == (["lines that could automate and automate nothing"] if could else [])
    assert missed(replace(idle, automatic=1)) == []


def test_a_line_that_does_not_work_counts_as_failed_alone() -> None:
    assert missed(replace(GOOD, problem="decisions failed", automatic=0, errors=0)) == []


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ({}, None),
        ({"refused": 1, "example": "amount is missing"}, "the contract refuses 1 of 2,000 rows: amount is missing"),
        ({"failed": 2}, "2 decisions failed"),
        ({"learnt": ["line", "refund"]}, "learns from line, refund"),
    ],
)
def test_one_refused_row_one_error_or_one_leak_that_is_learnt_is_a_failure(
    found: dict[str, object], problem: str | None
) -> None:
    fine: dict[str, object] = {"rows": 2_000, "refused": 0, "failed": 0, "learnt": [], "example": None}
    assert problem_of(fine | found) == problem


def test_there_are_enough_data_sets_and_each_keeps_its_name() -> None:
    assert len(SETS) >= FEWEST_SETS
    assert [one.name for one in SETS.values()] == list(SETS)


@pytest.mark.parametrize(
    "write",
    [
        onboarding_formats.as_csv,
        onboarding_formats.german,
        onboarding_formats.with_preamble,
        onboarding_formats.with_blank_end,
        onboarding_formats.gzipped,
        onboarding_formats.zstandard,
        onboarding_formats.zipped,
        onboarding_formats.json_lines,
        onboarding_formats.json_array,
        onboarding_formats.parquet,
        onboarding_formats.workbook,
        onboarding_formats.sqlite_query,
    ],
)
def test_every_format_holds_the_rows_that_were_drawn(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = loans(30, 5)(np.random.default_rng(1))
    monkeypatch.setenv(onboarding_formats.URL_VARIABLE, f"sqlite:///{tmp_path / 'rows.sqlite'}")
    written = write(tmp_path / "file", table.names, list(table.rows(held_out=False)))
    assert isinstance(written, Query | Path)
    read = list(read_rows(written))
    assert [(row["country"], float(row["amount"] or 0)) for row in read] == list(
        zip(table["country"][:30], table["amount"][:30], strict=True)
    )
    assert tuple(read[0]) == table.names


def test_a_leak_is_filled_for_bad_rows_only_and_held_out_rows_keep_their_labels() -> None:
    table = then(loans(300, 100), added("refund", refund), unlabelled)(np.random.default_rng(2))
    leaking = loans(300, 100)(np.random.default_rng(2))
    assert {bad for one, bad in zip(table["refund"], leaking["bad"], strict=True) if one is not None} == {"yes"}
    assert None in table["bad"][:300]
    assert None not in table["bad"][300:]
