"""Outcomes of deliveries, derived from the states of queue items and jobs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from andon.actions import not_found, still_working
from andon.actions.ports import Answer, AnswerKind, Delivery
from andon.connectors.uipath.settings import UipathOptions, UipathSettings


def outcome_of(
    delivery: Delivery,
    options: UipathOptions,
    settings: UipathSettings,
    found: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
) -> Answer:
    """Return the outcome of the delivery, given the items or jobs of its reference; the newest counts."""
    what, field, output = ("job", "State", "OutputArguments") if options.queue is None else ("item", "Status", "Output")
    if not found:
        return not_found(delivery, f"no {what} has this reference", now=now, settle_seconds=settings.settle_seconds)
    newest = found[0]
    state = str(newest.get(field))
    result = _result(newest, newest.get(output))
    if state == "Successful" or not options.wait:
        return Answer(AnswerKind.DELIVERED, f"the {what} is {state}", result=result)
    failure = _failure_of_job(state, newest) if options.queue is None else _failure_of_item(state, newest)
    if failure is not None:
        return replace(failure, result=result)
    return still_working(delivery, f"the {what} is {state}", now=now, poll_seconds=settings.poll_seconds)


def _failure_of_item(status: str, item: Mapping[str, Any]) -> Answer | None:
    """Return how an item ended without success; None if it has not ended."""
    if status == "Failed":
        why = item.get("ProcessingException")
        why = why if isinstance(why, Mapping) else {}
        kind = "a business rule" if why.get("Type") == "BusinessException" else "an error of the application"
        reason = str(why.get("Reason") or "no reason given")[:300]
        return Answer(AnswerKind.REFUSED, f"the robot failed because of {kind}: {reason}")
    if status == "Deleted":
        return Answer(AnswerKind.REFUSED, "the item was deleted in Orchestrator")
    if status == "Abandoned":
        return Answer(AnswerKind.UNKNOWN, "the robot abandoned the item", final=True)
    return None


def _failure_of_job(state: str, job: Mapping[str, Any]) -> Answer | None:
    """Return how a job ended without success; None if it has not ended."""
    if state in ("Faulted", "Stopped"):
        return Answer(AnswerKind.REFUSED, f"the job is {state}: {str(job.get('Info') or '')[:300]}")
    return None


def _result(entity: Mapping[str, Any], output: Any) -> Mapping[str, Any]:
    """Return the ids of an item or job, and what the robot returned."""
    result: dict[str, Any] = {name.lower(): entity[name] for name in ("Id", "Key") if name in entity}
    if isinstance(output, str):
        try:
            output = json.loads(output)
        except ValueError:
            output = {"text": output}
    if output:
        result["output"] = output
    return result
