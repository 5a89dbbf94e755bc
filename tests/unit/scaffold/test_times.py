"""Times become parts of times, never the raw number; a time that orders the rows is not required of callers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tests.unit.scaffold.tables import column, plan_of, write

from andon import scaffold
from andon.decisions import load_file
from andon.features import FeatureSet
from andon.scaffold import Plan

ROWS = 200
START = datetime(2024, 1, 1, 6, tzinfo=UTC)


def table(folder: Path) -> Path:
    random = Random(1)
    moments = [START + timedelta(hours=5 * i) for i in range(ROWS)]
    return write(
        folder,
        {
            "ordered at": [f"{at:%Y-%m-%d %H:%M}" for at in moments],
            "born": [f"{at - timedelta(days=random.randint(7000, 20000)):%Y-%m-%d}" for at in moments],
            "born_weekday": [f"{random.random():.3f}" for _ in moments],
            "y": [random.choice(("yes", "no")) for _ in moments],
        },
    )


def names(plan: Plan) -> list[str]:
    return [part.name for part in plan.times]


def test_a_time_becomes_hour_weekday_and_age(tmp_path: Path) -> None:
    plan = plan_of(table(tmp_path), time="ordered at")
    assert names(plan) == ["ordered_at_hour", "ordered_at_weekday", "born_weekday_", "born_age_days"]
    assert [one.name for one in plan.features] == ["born_weekday"]
    assert not column(plan, "ordered at").required
    assert column(plan, "born").required


def test_on_a_random_split_ages_count_up_to_the_newest_other_time(tmp_path: Path) -> None:
    plan = plan_of(table(tmp_path))
    (age,) = [part for part in plan.times if part.part == "age"]
    assert (age.field, age.since, age.now) == ("born", "ordered_at", False)


def test_a_caller_who_leaves_out_the_time_is_taken_at_his_moment(tmp_path: Path) -> None:
    source = table(tmp_path)
    folder, _ = scaffold.from_data("line", tmp_path, source, target="y", time="ordered at")
    (line,) = load_file(folder / "automation.py")
    rows = [vars(line.contract.model_validate(given)) for given in (
        {"born": "2000-01-02", "born_weekday": 0.5, "ordered at": "2026-01-05T09:30:00+02:00"},
        {"born": "2000-01-02", "born_weekday": 0.5},
    )]  # fmt: skip
    moment = datetime(2026, 1, 6, 8, tzinfo=UTC)
    sent, left_out = FeatureSet(line.name, line.features).compute(rows, [moment, moment], {}).rows
    assert (sent["ordered_at_hour"], sent["ordered_at_weekday"]) == (7.5, 0)
    assert (left_out["ordered_at_hour"], left_out["ordered_at_weekday"]) == (8.0, 1)
    assert left_out["born_age_days"] == (moment - datetime(2000, 1, 2, tzinfo=UTC)) / timedelta(days=1)


def test_an_age_that_gives_the_target_away_or_only_says_when_is_left_out(tmp_path: Path) -> None:
    random = Random(2)
    opened = [START + timedelta(hours=9 * i) for i in range(ROWS)]
    target = [random.choice(("yes", "no")) for _ in opened]
    ended = [
        at - timedelta(days=9 if y == "yes" else 2, hours=random.randrange(9))
        for at, y in zip(opened, target, strict=True)
    ]
    columns = {"opened": opened, "ended": ended, "period": [START - timedelta(days=i % 2) for i in range(ROWS)]}
    cells = {name: [f"{at:%Y-%m-%d %H:%M}" for at in moments] for name, moments in columns.items()}
    plan = plan_of(
        write(tmp_path, {**cells, "n": [f"{random.random():.3f}" for _ in opened], "y": target}), time="opened"
    )
    assert not [part for part in plan.times if part.part == "age"]
    notes = " ".join(plan.notes)
    assert "ended: its age at opened is left out, it orders the target y by itself" in notes
    assert "period: its age at opened is left out, it only says how late opened is" in notes


def test_the_training_script_has_no_raw_time(tmp_path: Path) -> None:
    for name, time in (("by-time", "ordered at"), ("at-random", None)):
        folder, _ = scaffold.from_data(name, tmp_path, table(tmp_path), target="y", time=time)
        assert "FeatureKind.TIME" not in (folder / "train.py").read_text()
