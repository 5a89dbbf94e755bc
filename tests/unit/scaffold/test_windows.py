"""Windows are proposed where there are identifiers and a time, tried on the newest rows, and written if they gain."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

import pytest
from tests.unit.scaffold.tables import plan_of, write

from andon import scaffold
from andon.decisions import load_file

START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 3000


@cache
def table(frequent: bool) -> dict[str, list[str]]:
    """Payments of accounts; those in a burst are fraud, or the target has nothing to do with it."""
    random = Random(3)
    moment, account, left = START, "", 0
    rows = []
    for _ in range(ROWS):
        moment += timedelta(minutes=random.expovariate(1 / 10))
        if left == 0 and random.random() < 0.05:
            account, left = f"A{random.randrange(200)}", 6
        burst = left > 0
        left -= burst
        payer = account if burst else f"A{random.randrange(200)}"
        fraud = burst and left < 4 if frequent else random.random() < 0.1
        rows.append((moment.isoformat(), payer, f"{random.lognormvariate(4, 1):.2f}", "yes" if fraud else "no"))
    return {name: [row[at] for row in rows] for at, name in enumerate(("paid at", "account", "amount", "y"))}


def test_windows_that_gain_are_written_and_their_gain_is_told(tmp_path: Path) -> None:
    source = write(tmp_path, table(True))
    folder, plan = scaffold.from_data("line", tmp_path, source, target="y", time="paid at")
    (window,) = plan.windows
    assert (window.field, window.by, window.measure) == ("amount", "account", "area under the curve")
    assert window.without is not None
    assert window.with_it is not None
    assert window.written
    assert window.with_it > window.without + 0.1
    (note,) = [note for note in plan.notes if note.startswith("windows of amount by account over 1 h and 24 h")]
    assert f"{window.without:.3f} without and {window.with_it:.3f} with them; they are in features.py" in note
    (line,) = load_file(folder / "automation.py")
    assert "amount_by_account_count_1h" in line.feature_names
    assert "amount_by_account_sum_24h" in line.feature_names
    assert "amount_by_account_count_24h" in [one.name for one in line.expect]


@pytest.mark.parametrize(("asked", "written"), [(None, False), (True, True)])
def test_windows_without_a_gain_are_written_only_if_the_owner_asks(
    tmp_path: Path, asked: bool | None, written: bool
) -> None:
    source = write(tmp_path, table(False))
    folder, plan = scaffold.from_data(
        "line", tmp_path, source, target="y", time="paid at", options=scaffold.Options(windows=asked)
    )
    assert [window.written for window in plan.windows] == [written]
    (line,) = load_file(folder / "automation.py")
    assert ("amount_by_account_count_1h" in line.feature_names) is written
    assert "andon.Window(" in (folder / "features.py").read_text()


def test_without_a_time_or_by_the_owners_will_there_are_none(tmp_path: Path) -> None:
    source = write(tmp_path, table(True))
    assert plan_of(source).windows == ()
    assert plan_of(source, time="paid at", windows=False).windows == ()


def test_windows_that_are_asked_for_and_make_no_sense_are_refused(tmp_path: Path) -> None:
    source = write(tmp_path, table(True))
    with pytest.raises(scaffold.DataUnusable, match="--windows needs a --time"):
        plan_of(source, windows=True)


def test_without_a_time_it_is_said_that_windows_could_be_tried(tmp_path: Path) -> None:
    notes = plan_of(write(tmp_path, table(True))).notes
    assert any("with --time 'paid at'" in note and "windows by account are tried" in note for note in notes)
