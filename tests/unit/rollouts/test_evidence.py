"""Evidence of labels on shadowed decisions: which side was wrong automatically, and which decisions are looked at."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from andon.cord import LineState
from andon.decisions import DecisionRow
from andon.labels import Label, LabelSource
from andon.rollouts.evidence import judged_pair
from andon.serving import ShadowPrediction

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
KEY = UUID(int=7)


def a_label(value: str, source: LabelSource, probability: float = 1.0) -> Label:
    return Label(UUID(int=1), KEY, "payments", value, value, source, probability, "rita", NOW, NOW)


def a_shadow(outcome: str | None, label: str | None, error: str | None = None) -> ShadowPrediction:
    return ShadowPrediction(KEY, "payments", "fraud-risk@2+x", "fraud-risk", 2, outcome, 0.5, label, 0.9, error, NOW)


def a_row(outcome: str = "release", label: str = "ok", **more: Any) -> DecisionRow:
    given = dict.fromkeys(DecisionRow.__dataclass_fields__)
    values: dict[str, Any] = {
        "id": KEY,
        "outcome": outcome,
        "label": label,
        "score": 0.1,
        "confidence": 0.9,
        "certain": True,
        "line_state": LineState.AUTOMATIC,
    }
    return DecisionRow(**(given | values | more))  # type: ignore[arg-type]


AUDITED, REVIEWED = LabelSource.BLIND_AUDIT, LabelSource.REVIEW


@pytest.mark.parametrize(
    ("row", "shadow", "label", "worse"),
    [
        (a_row(), a_shadow("release", "ok"), a_label("ok", AUDITED, 0.2), 0),
        (a_row(), a_shadow("release", "ok"), a_label("fraud", AUDITED, 0.2), 0),
        (a_row(), a_shadow("pause", "fraud"), a_label("ok", AUDITED, 0.2), 1),
        (a_row(), a_shadow("pause", "fraud"), a_label("fraud", AUDITED, 0.2), -1),
        (a_row(), a_shadow("review", "fraud"), a_label("fraud", AUDITED, 0.2), -1),
        (a_row("review"), a_shadow("release", "ok"), a_label("fraud", REVIEWED), 1),
        (a_row("review"), a_shadow("review", "ok"), a_label("fraud", REVIEWED), 0),
        (a_row("review"), a_shadow("pause", "fraud"), a_label("fraud", REVIEWED), 0),
    ],
)
def test_who_was_wrong_automatically_is_said_of_each_pair(
    row: DecisionRow, shadow: ShadowPrediction, label: Label, worse: int
) -> None:
    pair = judged_pair(row, shadow, b"a", label)
    assert pair is not None
    assert (pair.worse, pair.probability, pair.unit) == (worse, label.probability, b"a")


@pytest.mark.parametrize(
    ("row", "shadow", "label"),
    [
        (a_row(), a_shadow("release", "ok"), a_label("fraud", LabelSource.EVENT)),
        (a_row(), a_shadow("release", "ok"), a_label("fraud", REVIEWED)),
        (a_row("review"), a_shadow("release", "ok"), a_label("fraud", LabelSource.IMPORT)),
        (a_row(), a_shadow(None, None, "it broke"), a_label("fraud", AUDITED)),
        (a_row("review", line_state=LineState.SUPERVISED), a_shadow("release", "ok"), a_label("fraud", REVIEWED)),
    ],
)
def test_what_chooses_its_decisions_says_nothing_of_a_pair(
    row: DecisionRow, shadow: ShadowPrediction, label: Label
) -> None:
    assert judged_pair(row, shadow, b"a", label) is None
