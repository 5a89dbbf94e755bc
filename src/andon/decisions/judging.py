"""Judging a batch of one arm: it predicts, inline or waited for; what it cannot predict goes down the fallbacks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from andon.authoring import BY_REVIEW, BY_RULES
from andon.decisions.domain import Fallback, Judgement
from andon.decisions.line import BudgetSpent, Line, Seen, Unpredictable, because_of, rows_of
from andon.decisions.traffic import Arm
from andon.models import ValueUnusable
from andon.serving import EndpointBusy, Prediction, PredictionFailed, PredictionTimedOut

_OF_THE_TIME_LEFT = 0.75
"""How much of it a version may take: what is asked after it, and the record, need some as well."""


class Judged(Struct):
    """The judgements of a batch, the arm that made each, and how long predicting and ruling took, in seconds."""

    judgements: list[Judgement]
    arms: list[Arm]
    predict: float
    policy: float
    fallbacks: dict[str, int] = {}


async def judge(
    line: Line,
    arm: Arm,
    inputs: Sequence[Mapping[str, Any]],
    seen: Sequence[Seen],
    *,
    within: float,
    paid: int,
    alone: bool = False,
) -> Judged:
    """Judge a batch that was assigned to `arm` within so many seconds; of the rows that have all features the first `paid` are predicted.

    `alone`: no fallback answers in its place; what it cannot predict is a review.
    """
    began = perf_counter()
    until = began + within
    rows = rows_of(inputs, seen)
    if paid == [s.error for s in seen].count(None) == len(rows):
        predictions = await _predictions(arm, rows, until)
    else:
        asked = [number for number, s in enumerate(seen) if s.error is None][:paid]
        predictions = [BudgetSpent(f"The budget of {line.automation.name} is spent")] * len(rows)
        for number, prediction in zip(asked, await _predictions(arm, [rows[n] for n in asked], until), strict=True):
            predictions[number] = prediction
    predicted = perf_counter()
    judgements = [
        line.rule(arm, given, s, prediction) for given, s, prediction in zip(inputs, seen, predictions, strict=True)
    ]
    done = Judged(judgements, [arm] * len(rows), predicted - began, 0.0)
    if not (alone or {Prediction}.issuperset(map(type, predictions))):
        failed = {
            number: prediction
            for number, prediction in enumerate(predictions)
            if not isinstance(prediction, Prediction) and seen[number].error is None
        }
        if failed:
            await _fall_back(line, failed, inputs, seen, until, done)
    done.policy = perf_counter() - predicted
    return done


async def _predictions(arm: Arm, rows: Sequence[Mapping[str, Any]], until: float) -> list[Prediction | Unpredictable]:
    """A prediction or what went wrong for each row; what is not there in time on `perf_counter` has timed out."""
    if not rows:
        return []
    left = until - perf_counter()
    if left <= 0 and not arm.loaded.inline:
        return [PredictionTimedOut(f"No time was left to ask version {arm.version} of {arm.ref.model.name}")] * len(
            rows
        )
    try:
        return list(await arm.loaded.predict_soon(rows, within=left * _OF_THE_TIME_LEFT))
    except (PredictionTimedOut, EndpointBusy) as error:
        return [error] * len(rows)
    except (PredictionFailed, ValueUnusable) as error:
        if len(rows) == 1:
            return [error]
    return [prediction for row in rows for prediction in await _predictions(arm, [row], until)]


async def _fall_back(
    line: Line,
    failed: dict[int, Unpredictable],
    inputs: Sequence[Mapping[str, Any]],
    seen: Sequence[Seen],
    until: float,
    done: Judged,
) -> None:
    """Ask the fallbacks, in their order, for the rows that have no prediction. Empties `failed`."""
    because = {number: because_of(error) for number, error in failed.items()}
    done.fallbacks.update(Counter(because.values()))
    for step, arm in line.traffic.fallbacks:
        if step == BY_RULES:
            for number in failed:
                fallback = Fallback(BY_RULES, because[number])
                done.judgements[number] = line.by_rules(done.arms[number], inputs[number], seen[number], fallback)
            return
        if step == BY_REVIEW or arm is None:
            break
        asked = [n for n, error in failed.items() if not isinstance(error, BudgetSpent) and done.arms[n] is not arm]
        rows = rows_of([inputs[n] for n in asked], [seen[n] for n in asked])
        for number, prediction in zip(asked, await _predictions(arm, rows, until), strict=True):
            if isinstance(prediction, Prediction):
                judged = line.rule(arm, inputs[number], seen[number], prediction)
                done.judgements[number] = replace(judged, fallback=Fallback(step, because[number]))
                done.arms[number] = arm
                del failed[number]
    for number, error in failed.items():
        fallback = Fallback(BY_REVIEW, because[number])
        done.judgements[number] = line.to_review(done.arms[number], because[number], str(error), fallback)
