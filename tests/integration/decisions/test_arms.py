"""Arms in the ledger: which one was chosen and why, which one answered; windows stay exact and replay is identical."""

import asyncio
import random
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import text

from andon import decisions, serving
from andon.decisions import Arm, Decider, Decision, DecisionRecord, Idempotency, Line
from andon.kernel.events import Events
from andon.serving import Candidate, PredictionFailed, PredictionTimedOut, bucket_of
from arms import Elsewhere, Here, arm, request_of, says, traffic
from automations import payment
from lines import OWNER, Installation, register_champion
from packages import a_package

from .deciding import Counted, a_line, deciding, recorded

RELEASE, PAUSE = says(0.1), says(0.9)


def late() -> Exception:
    return PredictionTimedOut("no answer in time")


def broken(_: object) -> float:
    raise PredictionFailed("broken")


async def all_of(decider: Decider, requests: list[Any]) -> list[Decision | None]:
    return list(await asyncio.gather(*(decider.decide(request) for request in requests)))


def test_decisions_of_a_split_land_on_both_arms_and_say_how_it_came_to_that(
    installation: Installation, tmp_path: Path
) -> None:
    register_champion(installation.database, a_package(tmp_path / "second", seed=2))
    with installation.database.begin() as tx:
        now = installation.clock.now()
        split = serving.set_split(
            tx,
            "payments",
            "fraud-risk",
            shares={Candidate(1): 40},
            shadows=[],
            actor=OWNER,
            reason="try",
            now=now,
            events=Events(),
        )
    installation.deployment.refresh()
    line = installation.deployment.lines["payments"]
    requests = [request_of(line, payment(n, account=f"a{n}"), at=now) for n in range(200)]
    requests += [request_of(line, payment(n, account=f"a{n}"), at=now, pinned=1 + n % 2) for n in range(10)]
    deciding(installation, [line], lambda decider: all_of(decider, requests))
    found = {record.row.id: record for record in recorded(installation)}
    assert len(found) == 210
    for n, request in enumerate(requests):
        record = found[request.id]
        assignment = record.record["assignment"]
        if request.pinned is None:
            bucket = bucket_of("payments", f"a{n}".encode())
            wanted = split.candidate_for(bucket, Candidate(2)).version
            assert assignment == {"version": wanted, "chosen": "split", "split": 1, "bucket": bucket, "policy": ""}
        else:
            assert assignment == {
                "version": request.pinned,
                "chosen": "pinned",
                "split": 1,
                "bucket": None,
                "policy": "",
            }
        assert record.row.model_version == assignment["version"]
        assert record.record["line"]["model"]["version"] == assignment["version"]
        assert record.record["fallback"] is None
    by_version = [record.row.model_version for record in found.values()]
    assert min(by_version.count(1), by_version.count(2)) > 50


def test_a_fallback_is_recorded_beside_who_was_to_answer(installation: Installation) -> None:
    champion, second = arm(1, Here(RELEASE)), arm(2, Here(broken))
    line = a_line(
        installation, traffic(champion, second, fallbacks=[("champion", champion), ("review", None)], shares={2: 100.0})
    )
    deciding(installation, [line], lambda decider: all_of(decider, [request_of(line, payment(amount=5.0))]))
    (record,) = recorded(installation)
    assert record.record["assignment"]["version"] == 2
    assert record.record["fallback"] == {"step": "champion", "because": "PREDICTION_FAILED"}
    assert (record.row.model_version, record.row.outcome) == (1, "release")


def test_windows_count_what_is_recorded_once_whichever_arm_answers_and_however_often_it_is_asked(
    installation: Installation,
) -> None:
    draw = random.Random(3)
    away = Elsewhere(RELEASE, late=late, max_batch=8)
    line = a_line(installation, traffic(arm(1, Here(RELEASE)), arm(2, away), shares={2: 50.0}), windows=True)
    at = installation.clock.now()

    def asked(number: int, key: str | None) -> Any:
        account = f"a{number % 7}"
        request = request_of(
            line, payment(number, account=account, amount=1.0 + number % 3), at=at, pinned=1 + number % 2
        )
        return request if key is None else replace(request, idempotency=Idempotency.of("payments", "bank", key, b"x"))

    async def work(decider: Decider) -> list[Decision | None]:
        plain = [asked(n, None) for n in range(150)]
        keyed = [asked(n, f"k{n}") for n in range(150, 200) for _ in range(3)]
        requests = plain + keyed
        draw.shuffle(requests)
        answers: list[Decision | None] = []
        for start in range(0, len(requests), 40):
            answers += await all_of(decider, requests[start : start + 40])
        return answers

    answers = deciding(installation, [line], work)
    assert sum(answer is not None for answer in answers) == 200
    assert len(recorded(installation)) == 200
    expected = {f"a{a}": [1.0 + n % 3 for n in range(200) if n % 7 == a] for a in range(7)}

    async def look(decider: Decider) -> list[Decision | None]:
        return await all_of(decider, [request_of(line, payment(0, account=a, amount=1.0), at=at) for a in expected])

    for seen, amounts in zip(deciding(installation, [line], look), expected.values(), strict=True):
        assert seen is not None
        assert seen.features["amount_count_1h"] == len(amounts) + 1
        assert seen.features["amount_sum_1h"] == sum(amounts) + 1.0


def test_what_fallbacks_decided_is_the_same_when_it_is_decided_again(installation: Installation) -> None:
    champion, broken_one = arm(1, Here(RELEASE), threshold=0.2), arm(2, Here(broken), threshold=0.7)
    stable = arm(3, Here(PAUSE), threshold=0.4)
    chains: list[list[tuple[str, Any]]] = [
        [("rules", None)],
        [("review", None)],
        [("stable", stable), ("review", None)],
    ]
    rows = [payment(1, country="KP"), payment(2, amount=3.0), payment(3, amount=500.0)]

    class Spent:
        """Pays for the first two of three."""

        def allow(self, automation: str, n: int) -> int:
            del automation
            return min(n, 2)

        def settle(self, automation: str, version: int, paid: int, unpaid: int, cpu_us: int) -> None:
            del automation, version, paid, unpaid, cpu_us

        def settle_shadow(self, automation: str, version: int, paid: int, cpu_us: int) -> None:
            raise AssertionError("nobody looks on here")

    for chain in chains:
        line = a_line(installation, traffic(champion, broken_one, fallbacks=chain))
        for version in (1, 2):
            requests = [request_of(line, row, at=installation.clock.now(), pinned=version) for row in rows]
            deciding(installation, [line], lambda decider, r=requests: all_of(decider, r), purse=Spent())  # type: ignore[misc]
    arms = {one.version: one for one in (champion, broken_one, stable)}

    def line_for(record: DecisionRecord) -> Line:
        return a_line(installation, traffic(arms[record.row.model_version]))

    records = recorded(installation)
    fallbacks = {(r.record["fallback"] or {}).get("step") for r in records}
    reasons = {(r.record["fallback"] or {}).get("because") for r in records}
    assert fallbacks == {None, "rules", "review", "stable"}
    assert reasons == {None, "PREDICTION_FAILED", "BUDGET_SPENT"}
    again = decisions.replay(records, line_for, lambda _: None)
    assert again.differences == ()
    assert again.identical == len(rows) * 6


def test_what_was_decided_without_a_prediction_is_so_again_also_when_the_version_answers_now(
    installation: Installation,
) -> None:
    for chain in ([("rules", None)], [("review", None)]):
        line = a_line(installation, traffic(arm(1, Here(broken)), fallbacks=chain))
        requests = [request_of(line, payment(n), at=installation.clock.now()) for n in range(3)]
        deciding(installation, [line], lambda decider, r=requests: all_of(decider, r))  # type: ignore[misc]
    healed, newer = Here(RELEASE), Here(PAUSE)

    def again(version: Arm) -> decisions.Replayed:
        return decisions.replay(
            recorded(installation), lambda _: a_line(installation, traffic(version)), lambda _: None
        )

    assert again(arm(1, healed)).differences == ()
    assert sum(healed.asked) == 0
    assert {difference.after for difference in again(arm(2, newer)).differences} == {"pause by risky, score 0.9"}
    assert sum(newer.asked) == 6


def test_a_repeat_is_shown_to_no_shadow_and_counted_nowhere(installation: Installation) -> None:
    line = a_line(installation, traffic(arm(1, Here(RELEASE)), arm(2, Here(PAUSE)), shadows=(2,)))
    watcher = Counted()

    async def work(decider: Decider) -> None:
        key = Idempotency.of("payments", "bank", "k1", b"x")
        for _ in range(4):
            await decider.decide(replace(request_of(line, payment(), at=installation.clock.now()), idempotency=key))
        while not watcher.shadows:
            await asyncio.sleep(0.005)

    deciding(installation, [line], work, watcher=watcher)
    with installation.database.begin() as tx:
        beside = tx.execute(text("SELECT count(*) FROM shadow_predictions")).scalar_one()
        lost = (
            "SELECT count(*) FROM shadow_predictions s "
            "WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.id = s.decision_id)"
        )
        assert (beside, tx.execute(text(lost)).scalar_one()) == (1, 0)
    assert watcher.decided == 1
