"""Monitors as a builder declares them."""

from datetime import timedelta
from typing import Any

import pytest

from andon import Automation, Fairness, Monitors, Policy, ServiceLevel
from andon.authoring import DeclarationInvalid
from andon.decisions import describe
from automations import POLICY, Payment


def declared(monitors: Any) -> Automation:
    return Automation("payments", contract=Payment, model="fraud-risk", policy=Policy.yaml(POLICY), monitors=monitors)


def test_without_a_declaration_the_version_says_nothing_of_monitors() -> None:
    assert "monitors" not in describe(declared(None))


def test_what_is_declared_is_kept_with_the_version_and_read_back() -> None:
    monitors = Monitors(
        service=ServiceLevel(timedelta(milliseconds=50), 0.999),
        fairness=[Fairness("country", 0.2)],
        off=["cost"],
        levels={"drift": "critical"},
        ignore=["amount"],
        window=timedelta(hours=6),
        false_alarms=0.01,
    )
    assert Monitors.from_description(describe(declared(monitors))["monitors"]) == monitors


def test_a_list_is_short_for_a_service_level_and_fields() -> None:
    monitors = declared([ServiceLevel(timedelta(seconds=2)), Fairness("country")]).monitors
    assert monitors == Monitors(service=ServiceLevel(timedelta(seconds=2)), fairness=[Fairness("country")])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Monitors(off=["nonsense"]), "unknown monitor 'nonsense'"),
        (lambda: Monitors(levels={"drift": "red"}), "a level must be 'warning' or 'critical'"),  # type: ignore[dict-item]
        (lambda: Monitors(window=timedelta(minutes=90)), "whole hours"),
        (lambda: Monitors(window=timedelta(days=31)), "from 1 hour to 30 days"),
        (lambda: Monitors(false_alarms=1.0), "between 0 and 1"),
        (lambda: Monitors(fairness="country"), "fairness must be a list"),  # type: ignore[arg-type]
        (lambda: Monitors(fairness=[Fairness("a"), Fairness("a")]), "occurs twice"),
        (lambda: ServiceLevel(share=1.0), "share must be between 0 and 1"),
        (lambda: ServiceLevel(latency=timedelta(0)), "above zero"),
        (lambda: Fairness(""), "expected the name of a field"),
        (lambda: Fairness("country", 2.0), "tolerance must be between"),
        (lambda: declared([ServiceLevel(), ServiceLevel()]), "has at most one ServiceLevel"),
        (lambda: declared("drift"), "monitors must be a Monitors"),
        (lambda: declared([Fairness("gender")]), "monitors name 'gender'"),
        (lambda: declared(Monitors(ignore=["gender"])), "monitors name 'gender'"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_is_declared(make: Any, message: str) -> None:
    with pytest.raises(DeclarationInvalid, match=message):
        make()
