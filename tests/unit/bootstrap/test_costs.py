"""What was spent and how budgets stand, in units of the currency."""

from datetime import date
from types import SimpleNamespace
from typing import Any

from andon.bootstrap.spending import gpu_us_of
from andon.kernel.metrics import Metrics
from andon.spending import BudgetStanding, BudgetState, Period, Spend
from andon.spending.metrics import SpendingMetrics

TODAY = date(2026, 11, 25)


def test_what_is_spent_adds_up_by_version() -> None:
    metrics = Metrics()
    spending = SpendingMetrics(metrics)
    for _ in range(2):
        spending.spent([Spend(TODAY, "payments", 3, "EUR", 10, 4000, 0, cost=250_000_000)])
    assert b'andon_cost_total{automation="payments",currency="EUR",version="3"} 0.5\n' in metrics.text()


def test_a_budget_shows_its_amount_and_how_much_of_it_is_gone() -> None:
    metrics = Metrics()
    period = Period("payments", "day", TODAY, "EUR")
    state = BudgetState(period, 5 * 10**9, 4 * 10**9, 0, BudgetStanding.NEARLY_SPENT, None, None)
    SpendingMetrics(metrics).budget(state)
    assert b'andon_budget_used_ratio{automation="payments",per="day"} 0.8\n' in metrics.text()
    assert b'andon_budget_amount{automation="payments",currency="EUR",per="day"} 5.0\n' in metrics.text()


def test_gpu_time_is_that_of_the_version_of_the_automations_own_model() -> None:
    def loaded(name: str, number: int, gpu_us: int) -> Any:
        return SimpleNamespace(version=SimpleNamespace(name=name, number=number), take_gpu_us=lambda: gpu_us)

    automations: list[Any] = [SimpleNamespace(name="payments", model="fraud-risk")]
    versions = [loaded("fraud-risk", 1, 10), loaded("fraud-risk", 2, 20), loaded("churn", 2, 40)]
    taken = gpu_us_of(automations, lambda: versions)
    assert [taken("payments", version) for version in (1, 2, 3)] == [10, 20, 0]
