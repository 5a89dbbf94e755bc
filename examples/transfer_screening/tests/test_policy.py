"""Requirements on transfer screening that hold whatever the model predicts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from andon.testing import decide
from pydantic import ValidationError

from automation import screening

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_transfer(**changes: Any) -> dict[str, Any]:
    ordinary = {
        "transfer_id": "t-1",
        "account_id": "a-1",
        "amount": 42.0,
        "country": "DE",
        "channel": "mobile",
        "hour": 12,
        "beneficiary_is_new": False,
        "account_age_days": 900,
        "device_trust": 0.9,
    }
    return ordinary | changes


@pytest.mark.parametrize("country", ["XA", "XB"])
def test_a_sanctioned_country_is_paused_even_when_the_model_sees_nothing(country: str) -> None:
    (decision,) = decide(screening, [a_transfer(country=country)], model=lambda _: 0.0)
    assert (decision.outcome, decision.judgement.ruling.reasons) == ("pause", ("SANCTIONED_COUNTRY",))


@pytest.mark.parametrize(
    ("score", "outcome"),
    [
        (0.0, "release"),
        (0.099, "release"),
        (0.1, "review"),
        (0.5, "review"),
        (0.899, "review"),
        (0.9, "pause"),
        (1.0, "pause"),
    ],
)
def test_only_the_two_ends_are_automatic(score: float, outcome: str) -> None:
    (decision,) = decide(screening, [a_transfer()], model=lambda _: score)
    assert decision.outcome == outcome


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_what_is_not_proven_safe_goes_to_a_person(score: float) -> None:
    (decision,) = decide(screening, [a_transfer()], model=lambda _: score, certain=False)
    assert decision.outcome == "review"


def test_the_fifth_transfer_to_somebody_new_within_ten_minutes_goes_to_a_person() -> None:
    rows = [a_transfer(beneficiary_is_new=True)] * 6
    at = [NOON + timedelta(minutes=minute) for minute in range(6)]
    decisions = decide(screening, rows, model=lambda _: 0.06, at=at)
    assert [d.outcome for d in decisions] == ["release"] * 4 + ["review"] * 2
    assert decisions[-1].judgement.ruling.reasons == ("MANY_TRANSFERS",)


def test_another_account_and_an_hour_later_start_afresh() -> None:
    rows = [a_transfer(beneficiary_is_new=True)] * 4 + [a_transfer(account_id="a-2", beneficiary_is_new=True)]
    at = [NOON] * 5
    decisions = decide(screening, [*rows, rows[0]], model=lambda _: 0.06, at=[*at, NOON + timedelta(hours=1)])
    assert {d.outcome for d in decisions} == {"release"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0.0},
        {"amount": -1.0},
        {"country": "Germany"},
        {"channel": "fax"},
        {"hour": 24},
        {"device_trust": 1.1},
    ],
)
def test_a_transfer_outside_the_contract_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        screening.contract.model_validate(a_transfer(**wrong))
