"""The simulated bank: the same each time, as its README says, and hard in the way real screening is."""

from collections import defaultdict, deque
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from pydantic import BaseModel
from simulator import DRIFTS, Drift, Parameters, Simulated, Transfers, simulate
from sklearn.metrics import roc_auc_score


@pytest.fixture(scope="module")
def month() -> Transfers:
    return simulate(1)


def test_the_same_seed_gives_the_same_transfers_and_another_seed_gives_others() -> None:
    first, again, other = (list(simulate(seed, accounts=200, days=5)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_iterating_twice_gives_the_same_transfers() -> None:
    transfers = simulate(3, accounts=100, days=3)
    assert list(transfers) == list(transfers)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    accounts=st.integers(1, 60),
    days=st.floats(0.01, 20),
    drift=st.sampled_from([None, *DRIFTS]),
)
def test_transfers_come_in_time_order_within_the_run_and_fit_the_contract(
    contract: type[BaseModel], seed: int, accounts: int, days: float, drift: str | None
) -> None:
    began = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
    change = Drift(drift, after=timedelta(days=days / 2)) if drift else None
    run = list(simulate(seed, accounts=accounts, days=days, start=began, drift=change))
    times = [transfer.occurred_at for transfer in run]
    assert times == sorted(times)
    assert all(began <= at <= began + timedelta(days=days) for at in times)
    assert len({transfer.input["transfer_id"] for transfer in run}) == len(run)
    for transfer in run:
        contract.model_validate(transfer.input, strict=True)


def test_about_one_transfer_in_a_hundred_is_fraud_of_three_kinds(month: Transfers) -> None:
    assert 0.008 < month.is_fraud.mean() < 0.013
    kinds = {transfer.scenario for transfer in month if transfer.is_fraud}
    assert kinds == {"velocity", "takeover", "mule"}


def test_labels_arrive_late_and_some_fraud_is_never_reported(month: Transfers) -> None:
    transfers = list(month)
    assert all(transfer.label_at > transfer.occurred_at for transfer in transfers)
    assert all(t.label_at - t.occurred_at == timedelta(days=7) for t in transfers if not t.label)
    frauds = [transfer for transfer in transfers if transfer.is_fraud]
    assert 0.01 < sum(not transfer.label for transfer in frauds) / len(frauds) < 0.06
    assert not any(transfer.label for transfer in transfers if not transfer.is_fraud)


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_drift_changes_nothing_before_it_begins_and_something_after(kind: str) -> None:
    after = timedelta(days=5)
    calm = list(simulate(2, accounts=2_000, days=10))
    drifted = list(simulate(2, accounts=2_000, days=10, drift=Drift(kind, after=after)))
    begins = calm[0].occurred_at.replace(hour=0, minute=0, second=0, microsecond=0) + after
    pairs = list(zip(calm, drifted, strict=True))
    assert all(a == b for a, b in pairs if a.occurred_at < begins)
    changed = [
        a.input != b.input
        for a, b in pairs
        if a.occurred_at >= begins and (kind != "insider" or a.scenario == "takeover")
    ]
    assert np.mean(changed) > 0.2


def test_a_gradual_drift_grows(month: Transfers) -> None:
    over = timedelta(days=30)
    drifted = simulate(1, drift=Drift("inflation", after=timedelta(0), over=over))
    changed = [a.input["amount"] != b.input["amount"] for a, b in zip(month, drifted, strict=True)]
    third = len(changed) // 3
    assert np.mean(changed[:third]) < 0.3 < 0.7 < np.mean(changed[-third:])


def test_an_unknown_drift_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no drift 'recession'; there are inflation"):
        Drift("recession", after=timedelta(0))


def test_the_task_can_be_learnt_but_leaves_a_zone_in_which_a_person_is_needed(month: Transfers) -> None:
    rows, labels = _encoded(month), month.label
    cut = len(rows) * 7 // 10
    model = LGBMClassifier(n_estimators=80, num_leaves=15, min_child_samples=40, random_state=1, n_jobs=1, verbosity=-1)
    scores = model.fit(rows[:cut], labels[:cut]).predict_proba(rows[cut:])[:, 1]
    assert 0.93 < roc_auc_score(labels[cut:], scores) < 0.985
    between = (scores > 0.1) & (scores < 0.9)
    assert 0.005 < between.mean() < 0.05
    assert 0.1 < labels[cut:][between].mean() < 0.6


def test_the_readme_lists_every_parameter_and_drift_as_the_code_has_them(example: Path) -> None:
    text = (example / "README.md").read_text(encoding="utf-8")
    parameters = [f"| `{f.name}` | {f.default:g} | {f.metadata['meaning']} |" for f in fields(Parameters)]
    assert _table(text, "parameters") == parameters
    assert _table(text, "drifts") == [f"| `{name}` | {change.__doc__} |" for name, change in DRIFTS.items()]


def _table(text: str, name: str) -> list[str]:
    between = text.split(f"<!-- {name}: begin -->\n")[1].split(f"<!-- {name}: end -->")[0]
    return between.strip().splitlines()[2:]


def _encoded(transfers: Transfers) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Numbers enough to learn from: the input itself, and count, sum and maximum of the last hour and day."""
    words: dict[str, int] = {}
    recent: defaultdict[str, deque[tuple[datetime, float]]] = defaultdict(deque)
    return np.array(
        [_row(transfer, recent[transfer.input["account_id"]], words) for transfer in transfers], dtype=float
    )


def _row(transfer: Simulated, recent: deque[tuple[datetime, float]], words: dict[str, int]) -> list[float]:
    i, at = transfer.input, transfer.occurred_at
    recent.append((at, i["amount"]))
    while at - recent[0][0] > timedelta(days=1):
        recent.popleft()
    trust = float("nan") if i["device_trust"] is None else i["device_trust"]
    row = [i["amount"], i["hour"], i["beneficiary_is_new"], i["account_age_days"], trust]
    row += [words.setdefault(i[name], len(words)) for name in ("country", "channel")]
    for span in (timedelta(hours=1), timedelta(days=1)):
        amounts = [amount for moment, amount in recent if at - moment <= span]
        row += [len(amounts), sum(amounts), max(amounts)]
    return row
