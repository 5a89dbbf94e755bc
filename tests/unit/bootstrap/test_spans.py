"""Which spans are told of a batch, without a collector: only for those who are traced, at the times of the stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from andon.bootstrap.spans import tell_stages
from andon.decisions import Decision, Fallback
from andon.kernel.tracing import is_sampled
from andon.serving import Assignment, Chosen
from reports import a_decision, a_report

SAMPLED = f"00-{'a' * 32}-{'b' * 16}-01"
UNSAMPLED = f"00-{'a' * 32}-{'b' * 16}-00"


@dataclass
class Told:
    """Keeps spans instead of sending them."""

    spans: list[tuple[str, int, int, str | None, Mapping[str, Any]]] = field(default_factory=list)

    def __call__(
        self, name: str, began_ns: int, ended_ns: int, *, parent: str | None, attributes: Mapping[str, Any]
    ) -> None:
        self.spans.append((name, began_ns, ended_ns, parent, attributes))


def told(decisions: Sequence[Decision]) -> list[tuple[str, int, int, str | None, Mapping[str, Any]]]:
    keep = Told()
    tell_stages(a_report(decisions), tell=keep)
    return keep.spans


def test_only_those_who_are_traced_are_told() -> None:
    decisions = [a_decision(traced=SAMPLED), a_decision(traced=UNSAMPLED), a_decision(traced=None)]
    spans = told(decisions)
    assert [name for name, *_ in spans] == [
        "decide.queue",
        "decide.features",
        "decide.predict",
        "decide.policy",
        "decide.record",
    ]
    assert {parent for _, _, _, parent, _ in spans} == {SAMPLED}
    assert {attributes["andon.batch_size"] for *_, attributes in spans} == {3}


def test_the_times_are_those_of_the_report() -> None:
    spans = {name: (began, ended) for name, began, ended, *_ in told([a_decision(began_ns=400_000, traced=SAMPLED)])}
    start = spans["decide.queue"][0]
    assert {name: (began - start, ended - start) for name, (began, ended) in spans.items()} == {
        "decide.queue": (0, 600_000),
        "decide.features": (600_000, 1_600_000),
        "decide.predict": (1_600_000, 3_600_000),
        "decide.policy": (3_600_000, 4_100_000),
        "decide.record": (4_100_000, 5_600_000),
    }


@pytest.mark.parametrize(
    ("assignment", "fallback", "reason"),
    [
        (Assignment(3, Chosen.SPLIT, 0), None, "static"),
        (Assignment(3, Chosen.SPLIT, 2, bucket=17), None, "split"),
        (Assignment(3, Chosen.PINNED, 2), None, "targeting_match"),
        (Assignment(3, Chosen.SPLIT, 2, bucket=17), Fallback("stable", "PREDICTION_TIMED_OUT"), "error"),
    ],
)
def test_why_this_arm_answered_is_told_in_the_words_of_the_conventions(
    assignment: Assignment, fallback: Fallback | None, reason: str
) -> None:
    decision = a_decision(traced=SAMPLED, assignment=assignment, fallback=fallback)
    (attributes,) = (attributes for name, *_, attributes in told([decision]) if name == "decide.predict")
    assert attributes["feature_flag.result.reason"] == reason
    assert attributes["feature_flag.version"] == str(assignment.split)
    assert "17" not in attributes.values()


@pytest.mark.parametrize(("traceparent", "sampled"), [(SAMPLED, True), (UNSAMPLED, False), (None, False)])
def test_the_last_bit_of_a_traceparent_says_whether_it_is_sampled(traceparent: str | None, sampled: bool) -> None:
    assert is_sampled(traceparent) is sampled
