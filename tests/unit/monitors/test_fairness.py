"""Fairness: a subject counts once, and equal groups raise an alarm no more often than the level says."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from andon.authoring import Fairness, Monitors
from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.fairness import judge_fairness
from andon.monitors.judges.windows import ArmWindow, JudgedWindow
from andon.monitors.once import ONCE, PLACES, kept, merged
from andon.monitors.sums import Sums, added, total
from andon.monitors.tallying import WholeDecision, whole_sums
from andon.monitors.watching import WatchedAutomation
from committed import a_group, a_whole_record

UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
MONITORS = Monitors(fairness=[Fairness("country", tolerance=0.0)])
Case = tuple[str | None, str, str]
"""The account, the country and the outcome of a decision."""


def sums_of(cases: Sequence[Case], rng: np.random.Generator, subject: str | None = "account") -> Sums:
    watched = WatchedAutomation("payments", MONITORS, subject=subject)
    decisions = []
    for account, country, outcome in cases:
        key = rng.bytes(16)
        group = a_group(outcome=outcome, ids=key)
        record = a_whole_record({"account": account, "country": country}, outcome)
        decisions.append(WholeDecision(key, group, record))
    return {"decisions": len(cases), **whole_sums(decisions, None, watched)}


def judged(sums: Sums, level: float) -> dict[tuple[str, str], Observation]:
    monitors = Monitors(fairness=MONITORS.fairness, false_alarms=3 * level, window=timedelta(days=30))
    window = JudgedWindow(
        watched=WatchedAutomation("payments", monitors, subject="account"),
        since=UNTIL - timedelta(days=1),
        until=UNTIL,
        arms=[ArmWindow("a", "m", 1, sums, (), None)],
        labels={},
        labels_since=UNTIL,
        first_labels=(),
    )
    return {(one.series, one.segment["country"]): one for one in judge_fairness(window)}


def payments(rng: np.random.Generator, accounts: int, each: int) -> list[Case]:
    """Return payments of accounts, a fifth of which have all of theirs paused, whatever their country."""
    countries, paused = rng.choice(["DE", "FR"], accounts), rng.random(accounts) < 0.2
    return [
        (f"a{at}", str(countries[at]), "pause" if paused[at] else "release")
        for at in range(accounts)
        for _ in range(each)
    ]


def test_payments_of_one_account_are_one_case() -> None:
    """Ten alike payments for each of 400 accounts raised an alarm between equal groups in most windows."""
    alarms = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        found = judged(sums_of(payments(rng, 400, 10), rng), level=0.05)
        alarms += any(one.state is MonitorState.WARNING for one in found.values())
    assert alarms <= 3


def test_a_difference_between_accounts_of_two_groups_is_found() -> None:
    rng = np.random.default_rng(1)
    cases = [(f"a{at}", "DE" if at % 2 else "FR", "pause" if at % 2 and at % 3 else "release") for at in range(600)]
    found = judged(sums_of(cases, rng), level=0.05)
    assert found["country outcome pause", "DE"].state is MonitorState.WARNING
    assert found["country automatic", "DE"].state is MonitorState.GOOD
    assert found["country automatic", "DE"].decisions < 300, "accounts that share a place count once"


def test_without_a_subject_each_decision_counts() -> None:
    rng = np.random.default_rng(2)
    cases = payments(rng, 200, 2)
    found = judged(sums_of(cases, rng, subject=None), level=0.05)
    assert sum(found["country automatic", name].decisions or 0 for name in ("DE", "FR")) == len(cases)


def test_a_decision_without_its_subject_counts_by_itself() -> None:
    rng = np.random.default_rng(3)
    sums = sums_of([(None, "DE", "pause")] * 50, rng)
    assert 40 < len(sums[ONCE]["country"]) <= 50


ENTRIES = st.lists(st.tuples(st.sampled_from("123"), st.integers(0, 9).map(lambda draw: [draw, "DE", "pause", 1])))


@given(st.lists(ENTRIES, max_size=4))
def test_windows_merge_to_what_one_window_would_have_kept(parts: list[list[tuple[str, list[Any]]]]) -> None:
    whole = kept([entry for part in parts for entry in part])
    windows = [{"decisions": len(part), ONCE: {"country": kept(part)}} for part in parts]
    together = total(windows)
    assert together.get(ONCE, {}).get("country", {}) == whole
    assert total(reversed(windows)).get(ONCE, {}).get("country", {}) == whole


def test_a_window_keeps_at_most_one_decision_for_each_place() -> None:
    rng = np.random.default_rng(4)
    one, other = (sums_of(payments(rng, 3_000, 1), rng) for _ in range(2))
    assert len(added(one, other)[ONCE]["country"]) <= PLACES
    assert merged({}, one[ONCE]) == one[ONCE]
