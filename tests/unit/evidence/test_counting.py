"""Counting: each decision with a prediction once, by confidence and by the gate that held for it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from andon.decisions import FeedItem
from andon.evidence.counting import ASKED, count

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def an_item(confidence: float | None = 0.95, **changes: Any) -> FeedItem:
    """Return a committed decision; `changes` are of its outcome, certainty, line state and draw."""
    outcome, certain = changes.pop("outcome", "release"), changes.pop("certain", True)
    prediction = (
        None if confidence is None else {"score": 0.1, "label": "ok", "confidence": confidence, "probabilities": {}}
    )
    record: Mapping[str, Any] = {
        "input": {},
        "asked_at": NOW.isoformat(),
        "decided_at": NOW.isoformat(),
        "caller": "bank",
        "correlation_id": "c",
        "features": {},
        "prediction": prediction,
        "risk": {"certain": certain, "threshold": 0.9, "target": 0.01, "revision": 3},
        "policy": {"outcome": outcome, "rule": "safe", "reasons": [], "error": None},
        "line": {
            "automation": "gated",
            "version": 1,
            "model": {"name": "m", "version": 1, "digest": "d"},
            "policy_version": "p",
        },
        "line_state": changes.pop("state", "automatic"),
        "draw": {"probability": changes.pop("probability", 0.0), "drawn": False},
    }
    return FeedItem(uuid4().bytes, uuid4(), 1, 5, json.dumps(record).encode())


def counted(*items: FeedItem) -> tuple[dict[int, int], list[Mapping[str, Any]]]:
    counts = count(
        [(item.read(), {}) for item in items],
        lambda record: [0.6, 0.9] if record.line.automation == "gated" else None,
        lambda _, outcome: outcome == "release",
    )
    return {row["level"]: row["decisions"] for row in counts.traffic_rows()}, list(counts.slice_rows())


def test_a_line_that_bounds_nothing_has_slices_but_no_levels() -> None:
    record = json.loads(an_item().record)
    record["line"]["automation"] = "unbounded"
    other = FeedItem(uuid4().bytes, uuid4(), 1, 5, json.dumps(record).encode())
    assert counted(other, an_item(0.95))[0] == {2: 1}
    levels, slices = counted(other)
    assert (levels, [row["automatic"] for row in slices]) == ({}, [1])


def test_decisions_are_counted_by_the_thresholds_they_reach() -> None:
    levels, _ = counted(
        an_item(0.95), an_item(0.9), an_item(0.7, certain=False, outcome="review"), an_item(0.5), an_item(None)
    )
    assert levels == {2: 2, 1: 1, 0: 1}


def test_what_the_policy_asks_a_person_about_anyway_is_never_automatic() -> None:
    assert counted(an_item(0.95, outcome="review"))[0] == {ASKED: 1}
    assert counted(an_item(0.95, outcome="review", state="supervised"))[0] == {2: 1}


def test_a_slice_has_the_least_probability_of_an_audit() -> None:
    items = (
        an_item(probability=0.2),
        an_item(probability=0.05, outcome="pause"),
        an_item(0.5, certain=False, outcome="review"),
    )
    (row,) = counted(*items)[1]
    assert (row["gate_revision"], row["decisions"], row["automatic"]) == (3, 3, 2)
    assert (row["least_audit"], row["least_unheard"]) == (0.05, 0.05)
    (heard,) = counted(an_item(probability=0.2))[1]
    assert (heard["least_audit"], heard["least_unheard"]) == (0.2, None)


def test_decisions_under_a_candidates_own_gate_prove_the_arm_of_the_same_versions() -> None:
    record = json.loads(an_item().record)
    record["line"]["arm"] = "m@1+p~0.93"
    record["risk"]["revision"] = 4
    gated = FeedItem(uuid4().bytes, uuid4(), 1, 5, json.dumps(record).encode())
    assert gated.read().line.arm == "m@1+p~0.93"
    levels, slices = counted(an_item(), gated)
    assert levels == {2: 2}
    assert [(one["arm"], one["gate_revision"], one["decisions"]) for one in slices] == [
        ("m@1+p", 3, 1),
        ("m@1+p", 4, 1),
    ]
