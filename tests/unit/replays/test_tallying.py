"""Tallies: counts are those of a plain count, however the work is divided, and memory stays bounded."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from andon.decisions import Judgement, Risk
from andon.policies import Ruling
from andon.replays import ReplayTally, SegmentFields
from andon.replays.moves import EXAMPLES
from andon.replays.tallying import MOST_DECLARED, MOST_VALUES, OTHERS
from andon.serving import Prediction

RISK = Risk(True, 0.9, 0.01)
RULINGS = [
    Ruling("release", "safe", ()),
    Ruling("release", "known", ("KNOWN",)),
    Ruling("pause", "risky", ("HIGH_SCORE",)),
    Ruling("review", "otherwise", ()),
]
FIELDS = SegmentFields(("branch",), ("country", "instant"))


def judgement(rule: int, score: float | None) -> Judgement:
    prediction = None if score is None else Prediction(score, "fraud", score, {"fraud": score})
    return Judgement(prediction, RISK, RULINGS[rule])


SIDES = st.builds(judgement, st.integers(0, 3), st.sampled_from([None, 0.25, 0.5]))
INPUTS = st.fixed_dictionaries(
    {"country": st.sampled_from(["DE", "FR", None]), "instant": st.booleans(), "branch": st.sampled_from(["a", "b"])}
)
CASES = st.lists(st.tuples(INPUTS, SIDES, SIDES), max_size=40)


def tally_of(cases: list[tuple[dict[str, object], Judgement, Judgement]], first: int = 0) -> ReplayTally:
    tally = ReplayTally(FIELDS)
    inputs, before, after = ([case[n] for case in cases] for n in range(3))
    tally.add(lambda number: UUID(int=first + number), inputs, before, after)  # type: ignore[arg-type]
    return tally


@given(CASES)
def test_counts_are_those_of_a_plain_count(cases: list[tuple[dict[str, object], Judgement, Judgement]]) -> None:
    tally = tally_of(cases)
    pairs = [(was.ruling, now.ruling, was.prediction == now.prediction) for _, was, now in cases]
    assert tally.decisions == len(cases) == tally.moves.total()
    assert tally.identical == sum(
        (was.outcome, was.rule) == (now.outcome, now.rule) and same for was, now, same in pairs
    )
    assert {tuple(move): n for move, n in tally.moves.items()} == Counter(
        (was.outcome, was.rule, now.outcome, now.rule) for was, now, _ in pairs
    )
    flips = Counter(given["country"] for given, was, now in cases if was.ruling.outcome != now.ruling.outcome)
    assert {value: n.flips for value, n in tally.segments.get("country", {}).items() if n.flips} == flips
    assert tally.gained == Counter(
        reason for was, now, _ in pairs if was.rule != now.rule for reason in set(now.reasons) - set(was.reasons)
    )


@given(CASES, st.integers(0, 40))
def test_however_the_work_is_divided_the_tally_is_the_same(
    cases: list[tuple[dict[str, object], Judgement, Judgement]], at: int
) -> None:
    whole, parts = tally_of(cases), tally_of(cases[at:], min(at, len(cases)))
    parts.merge(tally_of(cases[:at]))
    shared = ("decisions", "identical", "moves", "gained", "lost", "segments", "examples")
    for part in (*shared, "reason_examples", "segment_examples"):
        assert getattr(whole, part) == getattr(parts, part)


def test_a_field_with_many_values_is_no_segment_and_a_declared_one_keeps_the_first() -> None:
    tally = ReplayTally(FIELDS)
    inputs = [{"country": f"c{n}", "branch": f"b{n}", "instant": True} for n in range(MOST_DECLARED + 50)]
    some = [judgement(0, 0.5)] * len(inputs)
    tally.add(lambda number: UUID(int=number), inputs, some, some)
    assert tally.too_many == {"country"}
    assert len(tally.segments["branch"]) == MOST_DECLARED + 1
    assert tally.segments["branch"][OTHERS].decisions == 50
    few = ReplayTally(FIELDS)
    few.add(lambda number: UUID(int=number), inputs[:MOST_VALUES], some[:MOST_VALUES], some[:MOST_VALUES])
    few.merge(tally)
    assert "country" not in few.segments


def test_examples_are_few_and_always_the_same_ones() -> None:
    cases = [({"country": "DE"}, judgement(0, 0.5), judgement(2, 0.5))] * 500
    whole = tally_of(cases)
    assert [len(some) for some in whole.examples.values()] == [EXAMPLES]
    assert len(whole.apart) <= 20
    parts = tally_of(cases[300:], 300)
    parts.merge(tally_of(cases[:300]))
    assert parts.examples == whole.examples


def test_what_cannot_be_decided_again_is_counted_by_a_bounded_number_of_reasons() -> None:
    tally = ReplayTally()
    for number in range(100):
        tally.add_undecided(UUID(int=number), f"reason {number}")
    assert (tally.decisions, tally.undecided.total(), len(tally.undecided)) == (100, 100, 21)
    assert tally.undecided["other reasons"] == 80


def test_examples_of_reasons_and_segments_are_decisions_that_change_there() -> None:
    outcomes = [(0, 2), (0, 0), (2, 2), (2, 0), (0, 1)]
    cases = [
        ({"country": "DE" if n % 2 else "FR"}, judgement(was, 0.5), judgement(now, 0.5))
        for n in range(20)
        for was, now in outcomes
    ]
    tally = tally_of(cases)
    changing = {UUID(int=n) for n, (_, was, now) in enumerate(cases) if was.ruling.reasons != now.ruling.reasons}
    assert set(tally.reason_examples) == {"HIGH_SCORE", "KNOWN"}
    assert all(0 < len(some) <= EXAMPLES and set(some) <= changing for some in tally.reason_examples.values())
    for country in ("DE", "FR"):
        flips = {
            UUID(int=n)
            for n, (given, was, now) in enumerate(cases)
            if given["country"] == country and was.ruling.outcome != now.ruling.outcome
        }
        assert len(tally.segment_examples["country", country]) == EXAMPLES
        assert set(tally.segment_examples["country", country]) <= flips
