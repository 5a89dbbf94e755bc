"""What a soak is judged by."""

from collections import Counter

from benchmarks.soak import Look, Soaked
from benchmarks.soak_traffic import Counted, choice


def soaked(*, end: float = 100.0, recorded: int = 5, in_ledger: int = 5, **failures: int) -> Soaked:
    looks = [
        Look(float(at), {"gateway": 100.0 + (end - 100.0) * at / 1200, "postgresql": float(at)}, {})
        for at in range(0, 1201, 5)
    ]
    counted = Counted(failures=Counter(failures), recorded=recorded)
    return Soaked(1200.0, 600.0, looks, counted, in_ledger, 0)


def test_memory_that_stays_reaches_the_goal_whatever_postgresql_does() -> None:
    assert soaked().missed() == []
    assert soaked(end=107.0).missed() == []


def test_memory_that_grows_by_more_than_five_percent_since_the_reference_is_named() -> None:
    assert soaked(end=120.0).missed() == ["gateway holds +9.1%", "all holds +9.1%"]


def test_one_failure_or_one_decision_too_few_misses_the_goal() -> None:
    assert soaked(decisions=1).missed() == ["requests failed: {'decisions': 1}"]
    assert soaked(in_ledger=4).missed() == ["4 decisions in the ledger, 5 answers"]


def test_each_version_is_champion_has_a_share_and_looks_on_in_turn_and_none_does_two_of_these_at_once() -> None:
    seen = set()
    for turn in range(1, 61):
        champion, split = choice(turn)
        shares, shadows = {int(version) for version in split["shares"]}, {int(version) for version in split["shadows"]}
        assert not shadows & (shares | {champion})
        assert champion not in shares
        seen |= {("champion", champion), *(("share", v) for v in shares), *(("looks on", v) for v in shadows)}
    roles = {"champion": {1, 2}, "share": {1, 2, 3}, "looks on": {1, 2, 3}}
    assert seen == {(role, version) for role, versions in roles.items() for version in versions}
