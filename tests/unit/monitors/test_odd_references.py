"""References that are odd: constant, all missing or empty features neither break a monitor nor give an alarm."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from andon.authoring import Monitors
from andon.models import FeatureKind, FeatureSpec, Manifest, fit_text, open_package, pack
from andon.models.manifest import CategoryProfile, NumericProfile
from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.drift import judge_features, judge_scores
from andon.monitors.judges.expectation import judge_label_free
from andon.monitors.judges.windows import ArmWindow, JudgedWindow
from andon.monitors.references import ModelReference, reference_from
from andon.monitors.watching import WatchedAutomation
from packages import a_package
from texts import FEATURES, TEAMS, mails, rows_of

UNTIL = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return open_package(a_package(tmp_path_factory.mktemp("package"))).manifest


def with_amount(manifest: Manifest, amount: NumericProfile) -> ModelReference:
    profile = manifest.profile.model_copy(update={"numeric": {"amount": amount}})
    return reference_from(manifest.model_copy(update={"profile": profile}))


def judged(reference: ModelReference | None, rows: list[dict[str, Any]]) -> dict[str, Observation]:
    sums: dict[str, Any] = {"decisions": len(rows), "seen": len(rows)}
    if reference is not None and rows:
        histograms = reference.features.binning.count(reference.matrix(rows))
        sums["features"] = dict(zip(reference.features.binning.names, histograms.to_json(), strict=True))
    arm = ArmWindow("a", "m", 1, sums, (), reference)
    window = JudgedWindow(
        watched=WatchedAutomation("payments", Monitors()),
        since=UNTIL - timedelta(days=1),
        until=UNTIL,
        arms=[arm],
        labels={},
        labels_since=UNTIL,
        first_labels=(),
    )
    judge_scores(window)
    judge_label_free(window)
    return {one.series: one for one in judge_features(window)}


CONSTANT = NumericProfile(edges=(5.0, 5.0), counts=(300,), minimum=5.0, maximum=5.0, mean=5.0, missing=0, rows=300)
MISSING = NumericProfile(edges=(), counts=(), minimum=None, maximum=None, mean=None, missing=300, rows=300)


@pytest.mark.parametrize(("profile", "value"), [(CONSTANT, 5.0), (MISSING, None)])
def test_a_feature_as_in_an_odd_reference_gives_no_alarm(
    manifest: Manifest, profile: NumericProfile, value: float | None
) -> None:
    found = judged(with_amount(manifest, profile), [{"amount": value, "country": "DE"}] * 300)
    assert found["amount"].state in (MonitorState.GOOD, MonitorState.SILENT)


def differs(one: Observation) -> bool:
    return one.false_alarm is not None and one.false_alarm < 0.05 / 90


def test_values_of_a_feature_that_training_never_had_break_nothing(manifest: Manifest) -> None:
    rows = [{"amount": float(n), "country": "DE"} for n in range(300)]
    assert judged(with_amount(manifest, MISSING), rows)["amount"].message


def test_infinite_values_break_nothing(manifest: Manifest) -> None:
    rows = [{"amount": float("inf") if n % 2 else float("-inf"), "country": "DE"} for n in range(300)]
    assert differs(judged(reference_from(manifest), rows)["amount"])


def test_a_version_without_a_reference_and_an_empty_window_are_silent(manifest: Manifest) -> None:
    assert judged(None, [])[""].message == "model m version 1 has no reference profile"
    assert judged(reference_from(manifest), [])["amount"].message == "too few decisions, 0 of 200"


def test_a_new_category_is_unknown_where_training_knew_all_and_missing_where_it_did_not(manifest: Manifest) -> None:
    rows = [{"amount": 1.0, "country": "XX"}]
    assert np.isnan(reference_from(manifest).matrix(rows)[0, 1])
    known = CategoryProfile(counts={"DE": 200, "FR": 100}, missing=0, rows=300)
    profile = manifest.profile.model_copy(update={"category": {"country": known}})
    reference = reference_from(manifest.model_copy(update={"profile": profile}))
    assert reference.matrix(rows)[0, 1] == -1


def test_one_decision_with_a_new_category_is_no_alarm(manifest: Manifest) -> None:
    known = CategoryProfile(counts={"DE": 200, "FR": 100}, missing=0, rows=300)
    profile = manifest.profile.model_copy(update={"category": {"country": known}})
    reference = reference_from(manifest.model_copy(update={"profile": profile}))
    rng = np.random.default_rng(2)
    countries = [*rng.choice(["DE", "FR"], 300, p=[2 / 3, 1 / 3]).tolist(), "XX"]
    rows = [{"amount": float(a), "country": c} for a, c in zip(rng.gamma(2, 100, 301), countries, strict=True)]
    assert judged(reference, rows)["country"].state is MonitorState.GOOD


def test_times_and_booleans_are_counted_as_training_counted_them(manifest: Manifest) -> None:
    specs = (FeatureSpec("at", FeatureKind.TIME), FeatureSpec("night", FeatureKind.BOOLEAN))
    day = 86400.0
    numeric = {
        "at": NumericProfile(edges=(0, day), counts=(9,), minimum=0, maximum=day, mean=1, missing=0, rows=9),
        "night": NumericProfile(edges=(0, 0.5, 1), counts=(5, 4), minimum=0, maximum=1, mean=0.4, missing=0, rows=9),
    }
    signature = manifest.signature.__class__("binary", specs, manifest.signature.classes)
    profile = manifest.profile.model_copy(update={"numeric": numeric, "category": {}})
    reference = reference_from(manifest.model_copy(update={"profile": profile, "signature": signature}))
    matrix = reference.matrix([{"at": "1970-01-01T12:00:00Z", "night": True}, {"at": None, "night": "no boolean"}])
    assert matrix[0].tolist() == [day / 2, 1.0]
    assert np.isnan(matrix[1]).all()


def test_the_drift_of_a_text_is_that_of_its_length(tmp_path: Path) -> None:
    columns, teams = mails(300)
    model = fit_text(FEATURES, columns, teams, TEAMS, light=True)
    package = pack(
        tmp_path / "package",
        name="mail",
        model=model,
        features=FEATURES,
        classes=TEAMS,
        training=(columns, teams),
        held_out=mails(90, seed=2),
        split="by chance",
    )
    reference = reference_from(open_package(package).manifest)
    others = rows_of(mails(300, seed=3)[0])
    alike = judged(reference, others)
    assert not any(map(differs, alike.values()))
    longer = judged(reference, [{**row, "body": 9 * row["body"]} for row in others])
    bad = {series for series, one in longer.items() if differs(one)}
    assert len(bad) == 1
    assert "body" in next(iter(bad))
    judged(reference, [{"subject": None, "body": 5}, {}, {"subject": ["no", "text"]}])
