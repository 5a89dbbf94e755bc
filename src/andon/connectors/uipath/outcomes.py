"""What the state of a queue item or a job says about the delivery."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from andon.actions import not_found, still_working
from andon.actions.ports import Answer, AnswerKind, Delivery
from andon.connectors.uipath.settings import UipathOptions, UipathSettings

_ENDED_BADLY = {"Faulted", "Stopped"}


def outcome_of_item(
    delivery: Delivery,
    options: UipathOptions,
    settings: UipathSettings,
    found: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
) -> Answer:
    """Return what the items of a reference say; the newest counts."""
    if not found:
        return not_found(delivery, "no item has this reference", now=now, settle_seconds=settings.settle_seconds)
    item = found[0]
    status = str(item.get("Status"))
    result = _result(item, item.get("Output"))
    if status == "Successful" or not options.wait:
        return Answer(AnswerKind.DELIVERED, f"the item is {status}", result=result)
    if status == "Failed":
        why = item.get("ProcessingException")
        why = why if isinstance(why, Mapping) else {}
        kind = "a business rule" if why.get("Type") == "BusinessException" else "an error of the application"
        reason = str(why.get("Reason") or "no reason given")[:300]
        return Answer(AnswerKind.REFUSED, f"the robot failed by {kind}: {reason}", result=result)
    if status == "Deleted":
        return Answer(AnswerKind.REFUSED, "the item was deleted in Orchestrator", result=result)
    if status == "Abandoned":
        return Answer(AnswerKind.UNKNOWN, "the robot abandoned the item", result=result, final=True)
    return still_working(delivery, f"the item is {status}", now=now, poll_seconds=settings.poll_seconds)


def outcome_of_job(
    delivery: Delivery,
    options: UipathOptions,
    settings: UipathSettings,
    found: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
) -> Answer:
    """Return what the jobs of a reference say; the newest counts."""
    if not found:
        return not_found(delivery, "no job has this reference", now=now, settle_seconds=settings.settle_seconds)
    job = found[0]
    state = str(job.get("State"))
    result = _result(job, job.get("OutputArguments"))
    if state == "Successful" or not options.wait:
        return Answer(AnswerKind.DELIVERED, f"the job is {state}", result=result)
    if state in _ENDED_BADLY:
        return Answer(AnswerKind.REFUSED, f"the job is {state}: {str(job.get('Info') or '')[:300]}", result=result)
    return still_working(delivery, f"the job is {state}", now=now, poll_seconds=settings.poll_seconds)


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
