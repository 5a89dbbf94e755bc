"""A new split moves nobody who need not move, through any history of splits."""

from hypothesis import given
from hypothesis import strategies as st

from andon.serving import BUCKETS, Candidate, TrafficSplit
from andon.serving.spreading import Places, spread

CHAMPION = Candidate(99)
CANDIDATES = st.builds(Candidate, st.integers(1, 3), st.sampled_from(["", "0123456789ab"]))
SHARES = st.dictionaries(CANDIDATES, st.integers(1, 100), max_size=4).filter(lambda given: sum(given.values()) <= 100)


def after(history: list[dict[Candidate, int]]) -> Places:
    places: Places = {}
    for shares in history:
        places = spread({version: float(share) for version, share in shares.items()}, places)
    return places


def who(places: Places, shares: dict[Candidate, int]) -> list[int]:
    split = TrafficSplit("a", "m", 1, {version: float(share) for version, share in shares.items()}, places=places)
    return [split.candidate_for(bucket, CHAMPION) for bucket in range(BUCKETS)]


@given(st.lists(SHARES, min_size=2, max_size=6))
def test_after_any_history_shares_are_exact_and_as_few_as_possible_moved(history: list[dict[Candidate, int]]) -> None:
    *_, before, now = history
    was, places = who(after(history[:-1]), before), after(history)
    became = who(places, now)
    for version, share in now.items():
        assert became.count(version) == share * BUCKETS // 100
    answered_by = [{**given, CHAMPION: 100 - sum(given.values())} for given in (before, now)]
    lost = sum(max(0, share - answered_by[1].get(version, 0)) for version, share in answered_by[0].items())
    assert sum(a != b for a, b in zip(was, became, strict=True)) == lost * BUCKETS // 100


@given(st.lists(SHARES, min_size=1, max_size=4), st.data())
def test_growing_a_share_moves_units_from_the_champion_to_it_and_nobody_else(
    history: list[dict[Candidate, int]], data: st.DataObject
) -> None:
    before = history[-1]
    room = 100 - sum(before.values())
    version = data.draw(CANDIDATES)
    grown = {**before, version: before.get(version, 0) + data.draw(st.integers(0, room))} if room else before
    grown = {number: share for number, share in grown.items() if share}
    was, became = who(after(history), before), who(after([*history, grown]), grown)
    assert {(a, b) for a, b in zip(was, became, strict=True) if a != b} <= {(CHAMPION, version)}


@given(SHARES)
def test_where_no_split_was_before_the_places_are_those_of_a_new_split(shares: dict[Candidate, int]) -> None:
    percent = {version: float(share) for version, share in shares.items()}
    assert TrafficSplit("a", "m", 1, percent).places == spread(percent, {})
