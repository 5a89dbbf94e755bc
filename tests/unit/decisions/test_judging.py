"""Results of one arm's batch: predictions, and for rows without one the fallbacks in order, each with its reason."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.cord import LineState, LineStates
from andon.decisions import UNCONTROLLED, Arm, Control, Controls, Fallback, Gate, Judged, Line, Seen
from andon.decisions.controls import ArmGates, PartGates
from andon.models import Matrix, ModelVersion, ValueUnusable, open_package
from andon.serving import EndpointBusy, LoadedVersion, PredictionFailed, PredictionTimedOut
from andon.testing import START
from arms import Elsewhere, Here, Score, arm, line_of, says, traffic
from automations import an_automation, payment
from packages import a_package

RELEASE = says(0.1)
SEEN = Seen({"round_amount": False})


def fails(error: Exception) -> Score:
    def score(_: Mapping[str, Any]) -> float:
        raise error

    return score


def fails_for(*numbers: int, error: Exception) -> Score:
    """Fails on these payments only, and releases the others."""

    def score(row: Mapping[str, Any]) -> float:
        if row["payment_id"] in {f"p{number}" for number in numbers}:
            raise error
        return 0.1

    return score


def late() -> Exception:
    return PredictionTimedOut("no answer in time")


def judged(
    line: Line,
    of: Arm,
    *rows: Mapping[str, Any],
    within: float = 10.0,
    paid: int | None = None,
    seen: Sequence[Seen] | None = None,
    control: Control = UNCONTROLLED,
    alone: bool = False,
    at: datetime = START,
) -> Judged:
    given, fallbacks = seen or [SEEN] * len(rows), () if alone else line.traffic.fallbacks
    judging = line.judge.judge(of, rows, given, control, now=at, within=within, paid=paid, fallbacks=fallbacks)
    return asyncio.run(judging)


async def judge(line: Line, of: Arm, *rows: Mapping[str, Any], within: float) -> Judged:
    fallbacks = line.traffic.fallbacks
    return await line.judge.judge(
        of, rows, [SEEN] * len(rows), UNCONTROLLED, now=START, within=within, fallbacks=fallbacks
    )


def a_line(champion: Arm, *fallbacks: tuple[str, Arm | None]) -> Line:
    return line_of(an_automation(windows=False), traffic(champion, fallbacks=[*fallbacks, ("review", None)]))


def told(done: Judged) -> list[tuple[str, Fallback | None]]:
    return [(one.ruling.outcome, one.fallback) for one in done.judgements]


@pytest.mark.parametrize(
    ("error", "because"),
    [
        (PredictionFailed("broken"), "PREDICTION_FAILED"),
        (PredictionTimedOut("slow"), "PREDICTION_TIMED_OUT"),
        (EndpointBusy("full"), "ENDPOINT_BUSY"),
        (ValueUnusable("not a number"), "PREDICTION_FAILED"),
    ],
)
@pytest.mark.parametrize("where", [Here, lambda score: Elsewhere(score, late=late)], ids=["inline", "elsewhere"])
def test_another_version_answers_for_one_that_cannot_and_the_reason_is_kept(
    where: Any, error: Exception, because: str
) -> None:
    async def run() -> Judged:
        first, other = arm(1, where(fails(error))), arm(2, Here(RELEASE))
        line = a_line(first, ("stable", other))
        return await judge(line, first, payment(), within=5.0)

    done = asyncio.run(run())
    assert told(done) == [("release", Fallback("stable", because))]
    assert [one.version for one in done.arms] == [2]
    assert done.fallbacks == {because: 1}


class Refusing:
    """A model in the gateway's own process that raises whatever it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def predict(self, matrix: Matrix) -> Matrix:
        self.asked += 1
        raise RuntimeError("no")


def test_an_inline_version_that_fails_again_and_again_is_left_alone_and_its_fallback_answers(tmp_path: Path) -> None:
    manifest = open_package(a_package(tmp_path / "package")).manifest
    version = ModelVersion(manifest.name, 1, manifest.digest, manifest, "owner", "test", datetime.now(UTC))
    refusing = Refusing()
    first, other = arm(1, LoadedVersion(version, refusing)), arm(2, Here(RELEASE))
    line = a_line(first, ("stable", other))
    because = [
        one.fallback.because for _ in range(6) for one in judged(line, first, payment()).judgements if one.fallback
    ]
    assert because == ["PREDICTION_FAILED"] * 5 + ["ENDPOINT_BUSY"]
    assert refusing.asked == 5


def test_the_chain_is_asked_in_its_order_until_one_answers() -> None:
    broken = PredictionFailed("broken")
    first, second, third = (arm(n, Here(s)) for n, s in ((1, fails(broken)), (2, fails(broken)), (3, RELEASE)))
    line = a_line(first, ("stable", second), ("older", third), ("rules", None))
    assert told(judged(line, first, payment())) == [("release", Fallback("older", "PREDICTION_FAILED"))]


def test_the_rules_alone_answer_when_no_version_does() -> None:
    first, second = (arm(n, Here(fails(PredictionFailed("broken")))) for n in (1, 2))
    done = judged(
        a_line(first, ("stable", second), ("rules", None)), first, payment(1, country="KP"), payment(2, amount=5.0)
    )
    by = Fallback("rules", "PREDICTION_FAILED")
    assert told(done) == [("pause", by), ("review", by)]
    assert done.judgements[0].ruling.reasons == ("SANCTIONED_COUNTRY", "PREDICTION_FAILED")
    assert [one.prediction for one in done.judgements] == [None, None]
    assert not any(one.risk.certain for one in done.judgements)


def test_a_person_answers_at_the_end_and_is_told_why() -> None:
    first = arm(1, Here(fails(PredictionTimedOut("no answer within 5 s"))))
    done = judged(a_line(first), first, payment(country="KP"))
    assert told(done) == [("review", Fallback("review", "PREDICTION_TIMED_OUT"))]
    assert done.judgements[0].ruling.reasons == ("PREDICTION_TIMED_OUT",)
    assert done.judgements[0].ruling.error == "no answer within 5 s"
    assert [one.version for one in done.arms] == [1]


def test_what_answers_instead_rules_by_its_own_gate() -> None:
    first, other = arm(1, Here(fails(PredictionFailed("broken"))), threshold=0.1), arm(2, Here(RELEASE), threshold=0.95)
    (one,) = judged(a_line(first, ("stable", other)), first, payment()).judgements
    assert (one.risk.threshold, one.risk.certain) == (0.95, False)


def test_without_a_prediction_the_gate_is_that_of_the_version_that_was_to_answer() -> None:
    champion, second = arm(1, Here(RELEASE), threshold=0.1), arm(2, Here(fails(PredictionFailed("no"))), threshold=0.7)
    for step in ("rules", "review"):
        line = line_of(an_automation(windows=False), traffic(champion, second, fallbacks=[(step, None)]))
        assert judged(line, second, payment()).judgements[0].risk.threshold == 0.7


def test_a_version_is_not_asked_again_as_its_own_fallback() -> None:
    broken = Here(fails(PredictionFailed("broken")))
    stable = arm(2, broken)
    line = line_of(an_automation(windows=False), traffic(arm(1, Here(RELEASE)), stable, fallbacks=[("stable", stable)]))
    assert told(judged(line, stable, payment())) == [("review", Fallback("review", "PREDICTION_FAILED"))]
    assert broken.asked == [1]


@given(st.integers(1, 12), st.data())
def test_a_bad_row_costs_no_other_row_its_prediction(size: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, size - 1)))
    first = arm(1, Here(fails_for(*bad, error=ValueUnusable("not this one"))))
    done = judged(a_line(first), first, *(payment(n) for n in range(size)))
    assert [one.ruling.outcome for one in done.judgements] == ["review" if n in bad else "release" for n in range(size)]
    assert sum(done.fallbacks.values()) == len(bad)


def test_a_bad_row_elsewhere_costs_no_other_row_its_prediction() -> None:
    async def run() -> Judged:
        first = arm(1, Elsewhere(fails_for(2, error=PredictionFailed("not this one")), late=late))
        rows = [payment(n) for n in (1, 2, 3)]
        return await judge(a_line(first), first, *rows, within=5.0)

    assert [one.ruling.outcome for one in asyncio.run(run()).judgements] == ["release", "review", "release"]


def test_one_batch_that_times_out_or_is_refused_is_not_asked_again_row_by_row() -> None:
    for error in (PredictionTimedOut("slow"), EndpointBusy("full")):
        away = Elsewhere(fails(error), late=late)
        first = arm(1, away)
        judged(a_line(first), first, *(payment(n) for n in range(8)))
        assert away.asked == [8]


def test_what_the_budget_does_not_pay_is_not_predicted_by_any_version_and_says_so() -> None:
    here, other = Here(RELEASE), Here(RELEASE)
    first = arm(1, here)
    line = a_line(first, ("stable", arm(2, other)), ("rules", None))
    done = judged(line, first, payment(1), payment(2, country="KP"), payment(3), paid=1)
    by = Fallback("rules", "BUDGET_SPENT")
    assert told(done) == [("release", None), ("pause", by), ("review", by)]
    assert (here.asked, other.asked) == ([1], [])
    assert done.fallbacks == {"BUDGET_SPENT": 2}


def test_a_budget_that_is_spent_without_rules_asks_a_person_and_says_so() -> None:
    first = arm(1, Here(RELEASE))
    (one,) = judged(a_line(first), first, payment(), paid=0).judgements
    assert (one.ruling.outcome, one.ruling.reasons) == ("review", ("BUDGET_SPENT",))
    assert one.ruling.error == "The budget of payments is spent"


def test_a_row_without_its_features_goes_to_a_person_unpredicted_and_unpaid() -> None:
    here = Here(RELEASE)
    first = arm(1, here)
    seen = [Seen({}, "round_amount failed"), SEEN]
    done = judged(a_line(first, ("rules", None)), first, payment(1), payment(2), seen=seen, paid=1)
    assert told(done) == [("review", None), ("release", None)]
    assert done.judgements[0].ruling.reasons == ("FEATURE_FAILED",)
    assert here.asked == [1]


def test_a_shadow_is_judged_alone_and_nothing_answers_in_its_place() -> None:
    broken, other = arm(1, Here(fails(PredictionFailed("broken")))), Here(RELEASE)
    done = judged(a_line(broken, ("stable", arm(2, other)), ("rules", None)), broken, payment(), alone=True)
    assert told(done) == [("review", Fallback("review", "PREDICTION_FAILED"))]
    assert done.judgements[0].ruling.reasons == ("PREDICTION_FAILED",)
    assert other.asked == []


def test_a_version_that_hangs_leaves_time_for_the_one_after_it() -> None:
    async def run() -> tuple[Judged, list[float]]:
        hanging, second = Elsewhere(RELEASE, late=late), Elsewhere(RELEASE, late=late)
        hanging.open.clear()
        first = arm(1, hanging)
        done = await judge(a_line(first, ("stable", arm(2, second))), first, payment(), within=0.4)
        return done, [*hanging.within, *second.within]

    done, (first, second) = asyncio.run(run())
    assert told(done) == [("release", Fallback("stable", "PREDICTION_TIMED_OUT"))]
    assert first < 0.4
    assert first + second < 0.4


def test_when_no_time_is_left_nothing_elsewhere_is_asked() -> None:
    away = Elsewhere(RELEASE, late=late)
    first = arm(1, away)
    done = judged(a_line(first), first, payment(), within=0.0)
    assert told(done) == [("review", Fallback("review", "PREDICTION_TIMED_OUT"))]
    assert away.within == []


SUPERVISED = Control(LineStates(LineState.SUPERVISED))
STOPPED = Control(LineStates(LineState.STOPPED))


def test_a_supervised_line_asks_a_person_whatever_the_policy_says_and_shows_what_it_would_have_said() -> None:
    first = arm(1, Here(RELEASE))
    done = judged(a_line(first), first, payment(1), payment(2, country="KP"), control=SUPERVISED)
    assert [one.ruling.outcome for one in done.judgements] == ["review", "review"]
    assert {one.ruling.rule for one in done.judgements} == {"line-supervised"}
    assert done.judgements[1].ruling.reasons == ("LINE_SUPERVISED", "SANCTIONED_COUNTRY")
    assert all(one.prediction is not None and one.state is LineState.SUPERVISED for one in done.judgements)


def test_a_stopped_line_gives_the_owners_outcome_and_asks_no_version() -> None:
    here = Here(RELEASE)
    first = arm(1, here)
    line = line_of(an_automation(windows=False, when_stopped="pause"), traffic(first))
    done = judged(line, first, payment(1), payment(2), control=STOPPED, paid=0)
    assert [(one.ruling.outcome, one.ruling.rule) for one in done.judgements] == [("pause", "line-stopped")] * 2
    assert [one.state for one in done.judgements] == [LineState.STOPPED] * 2
    assert here.asked == []
    assert done.fallbacks == {}


def test_a_stopped_line_asks_a_person_where_its_owner_named_no_outcome() -> None:
    first = arm(1, Here(RELEASE))
    (one,) = judged(a_line(first), first, payment(), control=STOPPED).judgements
    assert (one.ruling.outcome, one.ruling.rule) == ("review", "line-stopped")


def test_only_the_inputs_of_a_segment_are_held_and_the_most_severe_state_counts() -> None:
    here = Here(RELEASE)
    first = arm(1, here)
    states = LineStates(
        segments=(({"country": "AT"}, LineState.SUPERVISED), ({"account": "a9", "country": "AT"}, LineState.STOPPED))
    )
    rows = [payment(1), payment(2, country="AT"), payment(3, country="AT", account="a9"), payment(4, account="a9")]
    done = judged(a_line(first), first, *rows, control=Control(states))
    assert [one.state.value for one in done.judgements] == ["automatic", "supervised", "stopped", "automatic"]
    assert [one.ruling.outcome for one in done.judgements] == ["release", "review", "review", "release"]
    assert here.asked == [3]


def test_a_prediction_that_fails_on_a_supervised_line_keeps_its_own_reason() -> None:
    first = arm(1, Here(fails(PredictionFailed("broken"))))
    (one,) = judged(a_line(first), first, payment(), control=SUPERVISED).judgements
    assert (one.ruling.outcome, one.ruling.reasons, one.state) == (
        "review",
        ("PREDICTION_FAILED",),
        LineState.SUPERVISED,
    )


def test_the_rules_that_need_no_prediction_are_held_by_a_supervised_line_too() -> None:
    first = arm(1, Here(fails(PredictionFailed("broken"))))
    (one,) = judged(a_line(first, ("rules", None)), first, payment(country="KP"), control=SUPERVISED).judgements
    assert one.ruling.outcome == "review"


def test_what_is_known_of_no_line_yet_is_supervised() -> None:
    first = arm(1, Here(RELEASE))
    (one,) = judged(a_line(first), first, payment(), control=Controls().of("payments")).judgements
    assert one.ruling.outcome == "review"


def test_judging_without_an_event_loop_gives_the_same() -> None:
    first, other = arm(1, Here(fails_for(2, error=ValueUnusable("not this one")))), arm(2, Here(RELEASE))
    line = a_line(first, ("stable", other))
    rows = [payment(n) for n in (1, 2, 3)]
    at_once = line.judge.judge_now(first, rows, [SEEN] * 3, UNCONTROLLED, now=START, fallbacks=line.traffic.fallbacks)
    assert at_once == judged(line, first, *rows).judgements


def test_each_row_has_the_gate_of_its_segment_and_of_its_predicted_class_also_by_a_fallback() -> None:
    def gated() -> ArmGates:
        whole = [(None, Gate(0.5, 0.01, 1))]
        parts = {
            (None, ""): whole,
            ("FR", ""): [(START, Gate(0.1, 0.01, 2)), (None, Gate(0.95, 0.01, 3))],
            (None, "fraud"): [(None, Gate(0.99, 0.02, 4))],
            ("FR", "fraud"): [(None, Gate(2.0, 0.02, 5))],
        }
        return ArmGates(whole, PartGates("country", frozenset({"FR"}), frozenset({"fraud"}), parts))

    def scores(row: Mapping[str, Any]) -> float:
        return 0.9 if row["amount"] > 100 else 0.1

    rows = [payment(n, country=country, amount=amount) for n, (country, amount) in enumerate(PLACES)]
    broken, other = arm(1, Here(fails(PredictionFailed("broken")))), arm(2, Here(scores))
    control = Control(gates={one.name: gated() for one in (broken, other)})
    for first in (other, broken):
        done = judged(a_line(first, ("stable", other)), first, *rows, control=control)
        assert [one.risk.revision for one in done.judgements] == [1, 3, 4, 5]
        assert [one.risk.certain for one in done.judgements] == [True, False, False, False]


PLACES = (("DE", 5.0), ("FR", 5.0), ("DE", 500.0), ("FR", 500.0))
