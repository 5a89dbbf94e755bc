"""Asking versions for predictions, awaited or blocking, and the reasons for missing ones."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, TypeAlias

from andon.decisions.seeing import Seen
from andon.decisions.traffic import Arm
from andon.models import ValueUnusable
from andon.serving import EndpointBusy, Prediction, PredictionFailed, PredictionTimedOut

PREDICTION_FAILED = "PREDICTION_FAILED"
PREDICTION_TIMED_OUT = "PREDICTION_TIMED_OUT"
ENDPOINT_BUSY = "ENDPOINT_BUSY"
BUDGET_SPENT = "BUDGET_SPENT"

Row: TypeAlias = Mapping[str, Any]

Unpredictable: TypeAlias = PredictionFailed | ValueUnusable

Ask: TypeAlias = Callable[[Arm, Sequence[Row], float], Awaitable[Sequence[Prediction | Unpredictable]]]
"""Asks an arm's version about rows, with a time limit. Raises PredictionFailed (timed out, busy), ValueUnusable."""

_OF_THE_TIME_LEFT = 0.75
"""The share of the time left that a version may take: fallbacks and the record need some as well."""


class BudgetSpent(PredictionFailed):
    """The automation's budget for predicting is spent."""


def because_of(error: Unpredictable) -> str:
    """Return the reason code of a missing prediction."""
    match error:
        case PredictionTimedOut():
            return PREDICTION_TIMED_OUT
        case EndpointBusy():
            return ENDPOINT_BUSY
        case BudgetSpent():
            return BUDGET_SPENT
        case _:
            return PREDICTION_FAILED


def failure_of(because: str, words: str) -> Unpredictable:
    """Return the failure that has this reason code; the inverse of `because_of`."""
    kinds = {PREDICTION_TIMED_OUT: PredictionTimedOut, ENDPOINT_BUSY: EndpointBusy, BUDGET_SPENT: BudgetSpent}
    return kinds.get(because, PredictionFailed)(words)


def rows_of(inputs: Sequence[Mapping[str, Any]], seen: Sequence[Seen]) -> list[Row]:
    """Return the rows that a model receives: each input with its features."""
    return [{**given, **s.features} if s.features else given for given, s in zip(inputs, seen, strict=True)]


async def ask_soon(arm: Arm, rows: Sequence[Row], within: float) -> Sequence[Prediction]:
    """Ask on an event loop, which keeps running while a version elsewhere works."""
    return await arm.loaded.predict_soon(rows, within=within * _OF_THE_TIME_LEFT)


async def ask_now(arm: Arm, rows: Sequence[Row], within: float) -> Sequence[Prediction]:
    """Ask and block, for commands and tests, which have nothing else to do."""
    del within
    return arm.loaded.predict(rows)


async def predictions(ask: Ask, arm: Arm, rows: Sequence[Row], until: float) -> list[Prediction | Unpredictable]:
    """Return for each row a prediction or a failure: a bad row costs no other row its prediction.

    A row without an answer by `until`, on the clock of `perf_counter`, has timed out.
    """
    if not rows:
        return []
    left = until - perf_counter()
    if left <= 0 and not arm.loaded.inline:
        return [PredictionTimedOut(f"No time was left to ask version {arm.version} of {arm.ref.model.name}")] * len(
            rows
        )
    try:
        return list(await ask(arm, rows, left))
    except (PredictionTimedOut, EndpointBusy) as error:
        return [error] * len(rows)
    except (PredictionFailed, ValueUnusable) as error:
        if len(rows) == 1:
            return [error]
    return [prediction for row in rows for prediction in await predictions(ask, arm, [row], until)]
