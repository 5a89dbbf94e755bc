"""Spans from the report of a batch, so that each request's own trace shows its stages."""

from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter_ns, time_ns
from typing import Any, Protocol

from andon.decisions import BatchReport, Decision
from andon.kernel import tracing
from andon.serving import Chosen


class Tell(Protocol):
    """Takes one span between two moments of `time_ns`."""

    def __call__(
        self, name: str, began_ns: int, ended_ns: int, *, parent: str | None, attributes: Mapping[str, Any]
    ) -> None: ...


def tell_commit(reports: Sequence[BatchReport]) -> None:
    """Record one span for a group commit, linked to the requests that it answered."""
    tracing.tell(
        "ledger.commit",
        reports[0].record,
        links=[decision.request.traceparent for report in reports for decision in report.traced],
        attributes={
            "andon.batch_size": sum(len(report.judgements) for report in reports),
            "andon.automation": sorted({report.automation for report in reports}),
        },
    )


def tell_stages(report: BatchReport, tell: Tell = tracing.tell_between) -> None:
    """Record a span for each stage below the span of each traced request.

    The queue is the request's own; the other stages are shared by the batch, whose size the spans carry. In a commit
    of several arms, each is shown as if it had been the first.
    """
    offset = time_ns() - perf_counter_ns()
    shared = [(name, began + offset, ended + offset) for name, began, ended in _shared(report)]
    attributes = {
        "andon.automation": report.automation,
        "andon.model": report.model,
        "andon.model_version": report.version,
        "andon.batch_size": len(report.judgements),
    }
    for decision in report.traced:
        parent = decision.request.traceparent
        if not tracing.is_sampled(parent):
            continue
        queue = ("decide.queue", decision.request.began_ns + offset, report.began_ns + offset)
        flag = _flag(report, decision)
        for name, began, ended in (queue, *shared):
            told = attributes | flag if name == "decide.predict" else attributes
            tell(name, began, ended, parent=parent, attributes=told)


def _shared(report: BatchReport) -> Iterator[tuple[str, int, int]]:
    """Yield the stages in order from the start of the batch; recording ends with it."""
    began = report.began_ns
    for stage in ("features", "predict", "policy"):
        ended = began + int(getattr(report, stage) * 1e9)
        yield f"decide.{stage}", began, ended
        began = ended
    yield "decide.record", report.ended_ns - int(report.record * 1e9), report.ended_ns


def _flag(report: BatchReport, decision: Decision) -> dict[str, str]:
    """Return the arm by OpenTelemetry's conventions for feature flags, without the unit it was chosen for."""
    return {
        "feature_flag.key": report.model,
        "feature_flag.provider.name": "andon",
        "feature_flag.result.variant": str(report.version),
        "feature_flag.result.reason": _reason(decision),
        "feature_flag.version": str(decision.assignment.split),
    }


def _reason(decision: Decision) -> str:
    if decision.judgement.fallback is not None:
        return "error"
    if decision.assignment.chosen is Chosen.PINNED:
        return "targeting_match"
    return "static" if decision.assignment.bucket is None else "split"
