"""The result of --write in the documentation: figures in place, missing sides named, the rest of the page unchanged."""

from pathlib import Path

import pytest
from benchmarks import serving_report
from benchmarks.serving_results import Outcome

TITLES = {"andon": "Andon", "ray": "Ray Serve", "mlflow": "MLflow serve"}


def an_outcome(per_second: float) -> Outcome:
    figures = {"per_second": per_second, "p50": 1.0, "p95": 2.0, "p99": 3.0, "cpu_us": 50.0, "others": 0.2}
    return Outcome(
        at={1: figures, 64: figures},
        cpu={1: {"gateway": 50.0}, 64: {"gateway": 50.0}},
        rss_mb={"gateway": 120.0},
        pss_mb={"gateway": 90.0},
        processes=1,
        start_seconds=2.0,
        failed=0,
    )


@pytest.fixture
def page(tmp_path: Path) -> Path:
    for file in (serving_report.PLOT, serving_report.PAGE):
        (tmp_path / file).parent.mkdir(parents=True)
    page = tmp_path / serving_report.PAGE
    page.write_text(f"# Head\n\n{serving_report.BEGIN}\n\nold figures\n\n{serving_report.END}\n\n## Tail\n")
    return page


def test_new_figures_take_the_place_of_the_old_ones_and_nothing_else_changes(page: Path) -> None:
    outcomes = {"andon": an_outcome(12_345.0), "ray": an_outcome(250.0)}
    for said in ("Median of 1 round", "Median of 3 rounds"):
        serving_report.write(page.parents[1], TITLES, outcomes, {"mlflow": "no answer"}, said)
    text = page.read_text()
    assert text.startswith(f"# Head\n\n{serving_report.BEGIN}\n\nMedian of 3 rounds")
    assert text.endswith(f"{serving_report.END}\n\n## Tail\n")
    assert "old figures" not in text
    assert "Median of 1 round" not in text
    assert "MLflow serve did not run: no answer" in text
    assert (page.parents[1] / serving_report.PLOT).read_text().count('class="bar') == 6


def test_what_does_not_depend_on_the_load_stands_once_for_each_side() -> None:
    rows = serving_report.rows_of(TITLES, {"andon": an_outcome(12_345.0)})
    assert [row[:3] for row in rows] == [["Andon", "1", "12,345"], ["", "64", "12,345"]]
    assert [row[7:] for row in rows] == [["120", "90", "1", "2.0", "0"], [""] * 5]


def test_the_documentation_has_the_place() -> None:
    page = Path(__file__).parents[3] / serving_report.PAGE
    text = page.read_text(encoding="utf-8")
    assert text.index(serving_report.BEGIN) < text.index(serving_report.END)
