"""Where there is no terminal, long work says a line now and then; short work says nothing."""

import pytest

from andon.cli import progress
from andon.cli.progress import progress as shown


def test_a_line_tells_how_far_how_fast_and_how_long_still(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with shown("Deciding rows.csv", 1_000_000, "rows") as advance:
        for _ in range(25):
            now[0] += 1
            advance(4_000)
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "Deciding rows.csv: 40,000 of 1,000,000 rows (4%), 4,000 rows/s, 4 min left",
        "Deciding rows.csv: 80,000 of 1,000,000 rows (8%), 4,000 rows/s, 4 min left",
    ]


def test_what_is_soon_over_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("Reading", 10, "bytes") as advance:
        advance(10)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "words"), [(3.2, "3 s"), (300, "5 min"), (7300, "2.0 h")])
def test_spans_are_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert progress._span(seconds) == words


def test_a_terminal_gets_a_bar_with_the_rate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with shown("Deciding", 100, "rows") as advance:
        advance(50)
        advance(50)
    told = capsys.readouterr().err
    assert "100/100" in told
    assert "rows/s" in told
