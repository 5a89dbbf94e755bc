"""Expectations and event time through the whole line: recorded, counted, and a variable of the policy."""

from datetime import timedelta
from pathlib import Path

from tests.integration.features.payments import decide, installed, request

from andon import decisions, features
from andon.decisions import replay
from andon.decisions.metrics import DecisionMetrics
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics


def test_a_breach_is_recorded_counted_and_a_review_by_the_policy(database: Database, tmp_path: Path) -> None:
    here, metrics = installed(database, tmp_path), DecisionMetrics(Metrics())
    batch = [request(here, {"account": "a1", "amount": 600.0}) for _ in range(2)]
    fine, odd = decide(here, batch, metrics=metrics)
    assert (fine.outcome, odd.outcome) == ("release", "review")
    assert odd.reasons == ("UNEXPECTED_VALUES",)
    with database.begin() as tx:
        kept = decisions.get(tx, odd.request.id).record["features"]
    assert (kept["expectations_hold"], kept["expectations_breached"]) == (False, "amount_sum_24h")
    assert metrics.breached.counts == {("payments", "amount_sum_24h"): 1.0}


def test_late_events_are_placed_and_those_too_late_are_counted(database: Database, tmp_path: Path) -> None:
    here, metrics = installed(database, tmp_path), DecisionMetrics(Metrics())
    late, too_late, future = timedelta(minutes=30), timedelta(hours=3), timedelta(hours=-3)
    batches = [[request(here, {"amount": 1.0}, late=by)] for by in (None, late, too_late, future, None)]
    decided = decide(here, *batches, metrics=metrics)
    assert [d.features["amount_count_24h"] for d in decided] == [1, 1, 1, 3, 4]
    assert metrics.misplaced.counts == {("payments", "late"): 1.0, ("payments", "future"): 1.0}


def test_tiles_grow_for_the_longer_windows_of_a_line_that_is_deployed(database: Database, tmp_path: Path) -> None:
    here = installed(database, tmp_path)
    decide(here, [request(here, {"amount": 7.0})])
    with database.begin() as tx:
        assert features.prune(tx, here.clock.now() + timedelta(hours=3)) == 1
    [after] = decide(here, [request(here, {"amount": 1.0})])
    assert (after.features["amount_count_24h"], after.features["amount_sum_24h"]) == (2, 8.0)


def test_a_replay_gives_the_same_from_what_was_seen(database: Database, tmp_path: Path) -> None:
    here = installed(database, tmp_path)
    decide(here, [request(here, {"account": a, "amount": 400.0}) for a in ("a1", "a2", "a1", "a1")])
    with database.begin() as tx:
        records = decisions.newest(tx, "payments", 10)
    told = replay(records, lambda _: here.deployment.lines["payments"], lambda _: None)
    assert (told.compared, told.identical) == (4, 4)
