"""What is shown when everything happens: promtool has nothing to say about names, units and help."""

from datetime import date
from types import SimpleNamespace
from typing import Any

from andon.actions import Answer, AnswerKind
from andon.bootstrap.gauges import watch_queue, watch_traffic
from andon.bootstrap.gpus import watch_gpus
from andon.bootstrap.measures import Measures
from andon.bootstrap.pools import watch_pools
from andon.decisions.metrics import DecisionMetrics
from andon.kernel.metrics import Metrics
from andon.serving import PoolStatus, TrafficSplit
from andon.spending import BudgetStanding, BudgetState, Period, Spend
from gpus import FakeNvml
from prometheus import promtool
from reports import a_decision, a_report

TODAY = date(2026, 11, 25)


def everything() -> Metrics:
    """Return the metrics of a gateway and a worker in one, to which everything happened once."""
    measures = Measures()
    metrics, decider = measures.metrics, measures.decisions
    decider.batch([a_report([a_decision()] * 64, fallbacks={"PREDICTION_TIMED_OUT": 1})])
    decider.expired("payments", 1)
    decider.shadowed("payments", 1, 1)
    decider.failed(transient=True, requests=1)
    measures.requests.refused.add(("payments", "rate"))
    measures.loop.lag.observe_times((), 0.001)
    measures.requests.requests.add(("payments", "200"))
    measures.requests.latency.observe_times(("payments",), 0.004)
    deliveries = measures.deliveries
    deliveries.answered("bank", Answer(AnswerKind.FAILED, "500"), retry=True, seconds=0.1)
    deliveries.gave_up("bank")
    spending = measures.spending
    spending.spent([Spend(TODAY, "payments", 3, "EUR", 10, 4000, 0, cost=1)])
    spending.budget(BudgetState(Period("payments", "day", TODAY, "EUR"), 2, 1, 0, BudgetStanding.OPEN, None, None))
    champion: Any = SimpleNamespace(split=TrafficSplit("payments", "fraud-risk"), champion=SimpleNamespace(version=3))
    version = SimpleNamespace(name="fraud-risk", number=3)
    loaded: Any = SimpleNamespace(version=version, status=PoolStatus, health=PoolStatus)
    watch_queue(metrics, lambda: (1, 2, 3))
    watch_traffic(metrics, lambda: {"payments": SimpleNamespace(traffic=champion)})  # type: ignore[dict-item]
    watch_pools(metrics, lambda: [loaded])
    watch_gpus(metrics, FakeNvml())
    return metrics


def test_promtool_finds_nothing_to_say_when_everything_happens() -> None:
    done = promtool("check", "metrics", given=everything().text())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_promtool_would_find_a_bad_name() -> None:
    bad = (
        b"# HELP andon_waits_milliseconds Waits.\n# TYPE andon_waits_milliseconds counter\nandon_waits_milliseconds 1\n"
    )
    assert promtool("check", "metrics", given=bad).returncode != 0


def test_a_scrape_of_many_versions_stays_small() -> None:
    metrics = Metrics()
    decider = DecisionMetrics(metrics)
    before = len(metrics.text().splitlines())
    decider.batch([a_report([a_decision()])])
    per_version = len(metrics.text().splitlines()) - before
    assert per_version < 170
