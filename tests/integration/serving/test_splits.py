"""A split is a row with a reason; the newest holds; what makes no sense is refused whole, with every fault."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from andon import audit, models, policies, serving
from andon.kernel.db import CHANGED, Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import ModelNotFound, ModelVersion
from andon.serving import (
    Candidate,
    EnvironmentInvalid,
    SplitChanged,
    SplitInvalid,
    SplitSet,
    TrafficLease,
    TrafficSplit,
)
from arms import shares_of
from automations import POLICY

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OTTO = Actor("otto")


def split(
    registry: Database,
    shares: Mapping[Any, float],
    shadows: Sequence[Any] = (),
    *,
    reason: str = "try",
    automation: str = "payments",
    **more: Any,
) -> TrafficSplit:
    """Candidates are given as texts or, by the policy in force, as numbers."""
    with registry.begin() as tx:
        return serving.set_split(
            tx,
            automation,
            "fraud-risk",
            shares={Candidate.parse(str(one)): share for one, share in shares.items()},
            shadows=[Candidate.parse(str(one)) for one in shadows],
            actor=OTTO,
            reason=reason,
            now=NOW,
            events=more.pop("events", Events()),
            **more,
        )


def published(registry: Database, automation: str = "payments") -> str:
    """Return a policy that is published for an automation, and in force nowhere."""
    with registry.begin() as tx:
        table = policies.parse(POLICY, source="policy")
        return policies.publish(tx, automation, table, POLICY, actor=OTTO, reason="x", now=NOW).version


def test_without_a_split_all_goes_to_the_champion(registry: Database) -> None:
    with registry.begin() as tx:
        assert serving.split_of(tx, "payments", "fraud-risk") == TrafficSplit("payments", "fraud-risk")


def test_the_newest_split_holds_and_the_earlier_ones_are_kept(registry: Database) -> None:
    first = split(registry, {2: 10}, [3])
    second = split(registry, {2: 12.5, 3: 50})
    assert (first.number, first.shares, first.shadows) == (1, shares_of({2: 10.0}), (Candidate(3),))
    with registry.begin() as tx:
        assert serving.split_of(tx, "payments", "fraud-risk") == second
        assert serving.split_history(tx, "payments") == [second, first]


def test_an_equal_split_changes_nothing(registry: Database) -> None:
    first = split(registry, {2: 10, 3: 5})
    assert split(registry, {3: 5.0, 2: 10.0}, reason="again") == first
    with registry.begin() as tx:
        assert [entry.number for entry in serving.split_history(tx, "payments")] == [1]


def test_a_change_stands_in_the_audit_log_with_before_and_after(registry: Database) -> None:
    split(registry, {2: 10}, [3])
    split(registry, {}, reason="back to the champion")
    with registry.begin() as tx:
        entry = audit.page(tx, action="split.set", limit=1)[0]
    assert (entry.leaf.actor, entry.leaf.subject) == ("otto", "automation:payments")
    assert entry.reason == "back to the champion"
    assert entry.before == {"number": 1, "model": "fraud-risk", "shares": {"2": 10.0}, "shadows": ["3"]}
    assert entry.after == {"number": 2, "model": "fraud-risk", "shares": {}, "shadows": []}


def test_running_gateways_hear_of_it_once_it_is_committed(registry: Database) -> None:
    async def heard() -> str:
        connection = await registry.connect()
        news: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        try:
            await connection.add_listener(CHANGED, lambda *given: news.set_result(given[-1]))
            await asyncio.to_thread(split, registry, {2: 1})
            return await asyncio.wait_for(news, 5)
        finally:
            await connection.close()

    assert asyncio.run(heard()) == "automations"


@pytest.mark.parametrize(
    ("shares", "shadows", "reason", "where", "words"),
    [
        ({9: 10}, [], "x", "shares.9", "no version 9"),
        ({}, [9], "x", "shadows", "no version 9"),
        ({2: 0}, [], "x", "shares.2", "more than 0"),
        ({2: -5}, [], "x", "shares.2", "more than 0"),
        ({2: float("nan")}, [], "x", "shares.2", "more than 0"),
        ({2: 10.005}, [], "x", "shares.2", "two decimals"),
        ({2: 60, 3: 40.01}, [], "x", "shares", "add up to 100.01"),
        ({2: 10}, [2], "x", "shadows", "both answer and run as a shadow"),
        ({}, [2, 2], "x", "shadows", "named twice"),
        ({2: 10}, [], "  ", "reason", "A reason is required"),
        ({2: 10}, [], "a\0b", "reason", "A reason must be text"),
        ({2: 10}, [], "a\ud800b", "reason", "A reason must be text"),
    ],
)
def test_what_is_no_split_is_refused(
    registry: Database, shares: dict[int, float], shadows: list[int], reason: str, where: str, words: str
) -> None:
    with pytest.raises(SplitInvalid) as refused:
        split(registry, shares, shadows, reason=reason)
    assert [(fault.where, words in fault.message) for fault in refused.value.faults] == [(where, True)]
    with registry.begin() as tx:
        assert serving.split_history(tx, "payments") == []


def test_a_champion_looks_on_only_where_it_answers_nothing(registry: Database) -> None:
    with registry.begin() as tx:
        models.set_alias(tx, "fraud-risk", "champion", 1, actor=OTTO, events=Events(), reason="x", now=NOW)
    for shares in ({}, {2: 99.99}):
        with pytest.raises(SplitInvalid) as refused:
            split(registry, shares, [1])
        assert [fault.message for fault in refused.value.faults] == ["Version 1 cannot both answer and run as a shadow"]
    assert split(registry, {2: 60, 3: 40}, [1]).shadows == (Candidate(1),)


def test_every_fault_is_named_at_once(registry: Database) -> None:
    with pytest.raises(SplitInvalid) as refused:
        split(registry, {2: 120, 9: 1}, [2], reason="")
    assert [fault.where for fault in refused.value.faults] == ["reason", "shares.2", "shares", "shares.9", "shadows"]
    with pytest.raises(SplitInvalid) as refused:
        split(registry, {2: float("inf")})
    assert [fault.where for fault in refused.value.faults] == ["shares.2", "shares"]


def test_of_a_model_that_is_not_registered_there_is_nothing_to_split(registry: Database) -> None:
    with registry.begin() as tx, pytest.raises(ModelNotFound):
        serving.set_split(
            tx, "payments", "other", shares={}, shadows=[], actor=OTTO, reason="x", now=NOW, events=Events()
        )


def test_a_version_that_cannot_run_here_gets_no_traffic(registry: Database) -> None:
    def ready(version: ModelVersion) -> None:
        if version.number == 3:
            raise EnvironmentInvalid("numpy 9 does not exist")

    assert split(registry, {2: 10}, ready=ready).number == 1
    for shares, shadows in (({3: 10}, []), ({2: 10}, [3])):
        with pytest.raises(EnvironmentInvalid, match="numpy 9"):
            split(registry, shares, shadows, ready=ready)
    with registry.begin() as tx:
        assert serving.split_of(tx, "payments", "fraud-risk").shares == shares_of({2: 10.0})


def test_many_at_once_are_numbered_one_after_the_other(registry: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda percent: split(registry, {2: percent}), range(1, 9)))
    assert sorted(one.number for one in made) == list(range(1, 9))


def test_of_many_who_look_at_the_same_split_one_changes_it_and_the_others_are_told(registry: Database) -> None:
    split(registry, {2: 1})

    def told(share: int) -> str:
        try:
            split(registry, {2: share}, reason=f"to {share}", seen=1)
        except SplitChanged as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(told, range(2, 8)))
    assert answers.count("done") == 1
    assert sum("changed in the meantime, by otto: to " in answer for answer in answers) == 5
    with registry.begin() as tx:
        assert serving.split_of(tx, "payments", "fraud-risk").number == 2


def test_who_has_the_champion_is_told(registry: Database) -> None:
    with registry.begin() as tx:
        assert serving.champion_of(tx, "fraud-risk") is None
        models.set_alias(tx, "fraud-risk", "champion", 2, actor=OTTO, events=Events(), reason="x", now=NOW)
        assert serving.champion_of(tx, "fraud-risk") == 2
        assert serving.champion_of(tx, "other") is None


def test_who_has_which_bucket_is_kept_with_the_split_and_goes_on_from_the_one_before(registry: Database) -> None:
    split(registry, {2: 10, 3: 10})
    split(registry, {3: 10})
    split(registry, {2: 5, 3: 20})
    with registry.begin() as tx:
        newest, *_, first = serving.split_history(tx, "payments")
        assert newest == serving.split_of(tx, "payments", "fraud-risk")
    assert first.places == {Candidate(2): ((0, 1000),), Candidate(3): ((1000, 2000),)}
    assert newest.places == {Candidate(2): ((0, 500),), Candidate(3): ((500, 2500),)}


def test_two_automations_on_one_model_are_split_apart(registry: Database) -> None:
    first = split(registry, {2: 10})
    other = split(registry, {3: 20}, automation="refunds")
    assert (first.number, other.number, first.salt, other.salt) == (1, 1, "payments", "refunds")
    with registry.begin() as tx:
        assert serving.split_of(tx, "payments", "fraud-risk") == first
        assert serving.split_of(tx, "refunds", "fraud-risk") == other


def test_a_policy_of_its_own_takes_part_in_a_split_once_it_is_published_for_the_automation(registry: Database) -> None:
    policy = published(registry, "refunds")
    with pytest.raises(SplitInvalid) as refused:
        split(registry, {f"2+{policy}": 10})
    assert [(fault.where, "publish it first" in fault.message) for fault in refused.value.faults] == [
        (f"shares.2+{policy}", True)
    ]
    published(registry)
    checked: list[str] = []
    made = split(registry, {f"2+{policy}": 10, 2: 5}, suits=lambda one: checked.append(one.version))
    assert made.shares == {Candidate(2, policy): 10.0, Candidate(2): 5.0}
    assert checked == [policy]


def test_a_split_of_another_model_holds_no_more_and_its_number_goes_on(registry: Database) -> None:
    split(registry, {2: 10})
    with registry.begin() as tx:
        other = serving.split_of(tx, "payments", "credit-risk")
    assert (other.number, other.shares, other.model) == (1, {}, "credit-risk")


def test_whoever_subscribed_gets_the_split_before_and_after(registry: Database) -> None:
    events, heard = Events(), list[SplitSet]()
    events.subscribe(SplitSet, lambda _, event: heard.append(event))
    made = split(registry, {2: 10}, events=events)
    assert [(one.shares, one.shares_before, one.number) for one in heard] == [({"2": 10.0}, {}, made.number)]


def test_another_salt_draws_every_unit_anew(registry: Database) -> None:
    split(registry, {2: 10})
    grown = split(registry, {2: 30}, salt="payments/rollout-1")
    assert (grown.salt, grown.places[Candidate(2)]) == ("payments/rollout-1", ((0, 3000),))
    assert split(registry, {2: 40}).salt == "payments/rollout-1"
    single = split(registry, {2: 40}, unit="decision")
    with registry.begin() as tx:
        assert serving.split_of(tx, "payments", "fraud-risk") == single
    assert single.unit == "decision"


def test_the_newest_lease_of_an_automation_holds(registry: Database) -> None:
    for number, later in ((1, 30), (2, 60)):
        with registry.begin() as tx:
            serving.set_lease(tx, TrafficLease("payments", number, "worker", NOW + timedelta(seconds=later)))
    with registry.begin() as tx:
        assert serving.leases(tx) == {"payments": TrafficLease("payments", 2, "worker", NOW + timedelta(seconds=60))}
