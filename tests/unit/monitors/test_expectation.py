"""Performance without labels as a monitor: good while scores are as at first, a warning when they are less sure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from andon.authoring import Monitors
from andon.models import Manifest, open_package
from andon.models.manifest import ScoredRows
from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.expectation import judge_label_free
from andon.monitors.judges.windows import ArmWindow, JudgedWindow, StandingBreach
from andon.monitors.references import ModelReference, reference_from
from andon.monitors.watching import WatchedAutomation
from andon.statistics.scores import ScoreSums
from packages import a_package

UNTIL = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> ModelReference:
    """Return a model with as many held-out scores in each bin, which came true as often as they say."""
    manifest: Manifest = open_package(a_package(tmp_path_factory.mktemp("package"))).manifest
    scored = ScoredRows(
        rows=(1000,) * 20,
        scores=tuple(1000 * (at + 0.5) / 20 for at in range(20)),
        came_true=tuple(25 + 50 * at for at in range(20)),
    )
    return reference_from(
        manifest.model_copy(update={"metrics": manifest.metrics.model_copy(update={"scored": scored})})
    )


def window(rng: np.random.Generator, sure: float) -> dict[str, Any]:
    scores = rng.beta(1 / sure, 1 / sure, 1000)
    return {"decisions": 1000, "certainty": ScoreSums.of(scores, scores > 0.5).to_json()}


def judged(reference: ModelReference, sure: float, **more: Any) -> Observation:
    rng = np.random.default_rng(1)
    arm = ArmWindow("a", "m", 1, window(rng, sure), [window(rng, 3.0) for _ in range(10)], reference)
    one = JudgedWindow(
        watched=WatchedAutomation("payments", Monitors()),
        since=UNTIL - timedelta(days=1),
        until=UNTIL,
        arms=[arm],
        labels={},
        labels_since=UNTIL,
        first_labels=(),
        **more,
    )
    [found] = judge_label_free(one)
    return found


def test_as_sure_as_at_first_is_good_and_has_an_interval(reference: ModelReference) -> None:
    found = judged(reference, 3.0)
    assert found.state is MonitorState.GOOD
    low, high = found.detail["interval"]
    assert found.observed is not None
    assert low < found.observed < high
    assert set(found.detail["estimates"]) == {"accuracy", "precision", "recall", "roc_auc"}


def test_less_sure_than_at_first_is_a_warning(reference: ModelReference) -> None:
    found = judged(reference, 1.0)
    assert found.state is MonitorState.WARNING
    assert found.false_alarm is not None
    assert found.false_alarm < 0.05 / 90


def test_it_is_silent_where_labels_have_shown_that_the_scores_are_wrong(reference: ModelReference) -> None:
    breaches = {("calibration", "", "a", "{}"): StandingBreach(MonitorState.WARNING, provisional=False, figures={})}
    found = judged(reference, 1.0, breaches=breaches)
    assert (found.state, found.message) == (MonitorState.SILENT, "labels show that the scores are not calibrated")
