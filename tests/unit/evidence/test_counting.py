"""Counting: each decision with a prediction once, by confidence and by the gate that held for it."""

from collections.abc import Mapping
from typing import Any

from andon.cord import LineState
from andon.decisions import FeedGroup
from andon.evidence.counting import ASKED, TrafficCounts
from committed import a_group

UNCERTAIN: dict[str, Any] = {"certain": False, "outcome": "review", "automatic": False}


def counted(*groups: FeedGroup) -> tuple[dict[int, int], list[Mapping[str, Any]]]:
    counts = TrafficCounts()
    for group in groups:
        counts.add(
            group,
            {},
            group.confidences,
            thresholds=[0.6, 0.9] if group.automation == "gated" else None,
            heard=group.outcome == "release",
        )
    return {row["level"]: row["decisions"] for row in counts.traffic_rows()}, list(counts.slice_rows())


def test_a_line_that_bounds_nothing_has_slices_but_no_levels() -> None:
    other = a_group(automation="unbounded")
    assert counted(other, a_group(0.95))[0] == {2: 1}
    levels, slices = counted(other)
    assert (levels, [row["automatic"] for row in slices]) == ({}, [1])


def test_decisions_are_counted_by_the_thresholds_they_reach() -> None:
    levels, slices = counted(a_group(0.95, 0.9), a_group(0.7, **UNCERTAIN), a_group(0.5, band=7))
    assert levels == {2: 2, 1: 1, 0: 1}
    assert [(row["decisions"], row["automatic"]) for row in slices] == [(4, 3)]


def test_what_the_policy_asks_a_person_about_anyway_is_never_automatic() -> None:
    asked = {"outcome": "review", "automatic": False}
    assert counted(a_group(0.95, **asked))[0] == {ASKED: 1}
    assert counted(a_group(0.95, line_state=LineState.SUPERVISED, **asked))[0] == {2: 1}


def test_a_slice_has_the_least_probability_of_an_audit() -> None:
    groups = a_group(audit_probability=0.2), a_group(audit_probability=0.05, outcome="pause"), a_group(0.5, **UNCERTAIN)
    (row,) = counted(*groups)[1]
    assert (row["gate_revision"], row["decisions"], row["automatic"]) == (3, 3, 2)
    assert (row["least_audit"], row["least_unheard"]) == (0.05, 0.05)
    (heard,) = counted(a_group(audit_probability=0.2))[1]
    assert (heard["least_audit"], heard["least_unheard"]) == (0.2, None)


def test_decisions_under_a_candidates_own_gate_prove_the_arm_of_the_same_versions() -> None:
    levels, slices = counted(a_group(), a_group(arm="m@1+p~0.93", gate_revision=4))
    assert levels == {2: 2}
    assert [(one["arm"], one["gate_revision"], one["decisions"]) for one in slices] == [
        ("m@1+p", 3, 1),
        ("m@1+p", 4, 1),
    ]
