"""Transfers in time order, each as a caller would send it, with the truth and the time at which it was known."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

import numpy as np

from simulator import scenarios
from simulator.columns import Columns, joined
from simulator.drift import Drift
from simulator.parameters import Parameters
from simulator.words import CHANNELS, COUNTRIES, FRAUD_FROM, SCENARIOS
from simulator.world import DAY, habits, populate

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Simulated:
    """One transfer. `label` is the bank's view from `label_at` on; `is_fraud` is the truth, which it never sees."""

    occurred_at: datetime
    input: dict[str, Any]
    label: bool
    label_at: datetime
    is_fraud: bool
    scenario: str


class Transfers:
    """The transfers of one run. Each iteration gives the same ones."""

    def __init__(
        self, columns: Columns, *, name: str, start: datetime, p: Parameters, rng: np.random.Generator
    ) -> None:
        self._columns = columns
        self._name = name
        self._start = start
        n = len(columns.at)
        self.is_fraud = columns.scenario >= FRAUD_FROM
        self.label = self.is_fraud & (rng.random(n) >= p.unreported)
        reported = np.exp(np.log(p.report_median_days) + p.report_spread * rng.standard_normal(n))
        self._label_after = np.where(self.label, reported, p.mature_days) * DAY

    def __len__(self) -> int:
        return len(self._columns.at)

    def __iter__(self) -> Iterator[Simulated]:
        c = self._columns
        facts = zip(c.at.tolist(), self._label_after.tolist(), self.label.tolist(), self.is_fraud.tolist(), strict=True)
        for (at, after, label, is_fraud), scenario, values in zip(facts, c.scenario, self._inputs(), strict=True):
            occurred_at = self._start + timedelta(seconds=at)
            yield Simulated(
                occurred_at=occurred_at,
                input=values,
                label=label,
                label_at=occurred_at + timedelta(seconds=after),
                is_fraud=is_fraud,
                scenario=SCENARIOS[scenario],
            )

    def _inputs(self) -> Iterator[dict[str, Any]]:
        """Each transfer as a caller sends it."""
        c = self._columns
        columns = {
            "transfer_id": [f"{self._name}-t{number}" for number in range(len(self))],
            "account_id": [f"{self._name}-a{account}" for account in c.account.tolist()],
            "amount": np.maximum(c.amount, 0.01).round(2).tolist(),
            "country": [COUNTRIES[country] for country in c.country.tolist()],
            "channel": [CHANNELS[channel] for channel in c.channel.tolist()],
            "hour": c.hour.tolist(),
            "beneficiary_is_new": c.beneficiary_is_new.tolist(),
            "account_age_days": c.age_days.astype(int).tolist(),
            "device_trust": [None if isnan(trust) else trust for trust in c.device_trust.round(3).tolist()],
        }
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))


def simulate(
    seed: int,
    *,
    accounts: int = 6_000,
    days: float = 30.0,
    start: datetime = START,
    drift: Drift | None = None,
    parameters: Parameters | None = None,
) -> Transfers:
    """Return the transfers that `accounts` accounts make in `days` days; the same seed gives the same ones."""
    p = parameters or Parameters()
    rng = np.random.default_rng(seed)
    world = populate(accounts, p, rng)
    sources = (habits, scenarios.payroll, scenarios.purchase, scenarios.velocity, scenarios.takeover, scenarios.mule)
    columns = joined([source(world, days, p, rng) for source in sources]).before(days * DAY).ordered()
    if drift is not None:
        drift.apply(columns, np.random.default_rng([seed, 1]))
    return Transfers(columns, name=f"s{seed}", start=start, p=p, rng=rng)
