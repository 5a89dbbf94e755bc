"""Shadows look on after the answer: they change nothing, hold up nobody, and are the first to be dropped."""

import asyncio
from typing import Any

from sqlalchemy import text

from andon.decisions import Decider
from andon.decisions.shadows import ROOM
from andon.serving import PredictionFailed, PredictionTimedOut
from arms import Elsewhere, Here, arm, request_of, says, traffic
from automations import payment
from lines import Installation

from .deciding import Counted, a_line, deciding, outcome, recorded, shadows

RELEASE, PAUSE = says(0.1), says(0.9)


class Purse:
    """Pays for so many predictions."""

    def __init__(self, predictions: int) -> None:
        self.left, self.decided, self.looked_on = predictions, 0, 0

    def allow(self, automation: str, n: int) -> int:
        del automation
        allowed = min(n, self.left)
        self.left -= allowed
        return allowed

    def settle(self, automation: str, version: int, paid: int, unpaid: int, cpu_us: int) -> None:
        assert (automation, version, unpaid) == ("payments", 1, 0)
        assert cpu_us >= 0
        self.decided += paid

    def settle_shadow(self, automation: str, version: int, paid: int, cpu_us: int) -> None:
        assert (automation, version) == ("payments", 2)
        assert cpu_us >= 0
        self.looked_on += paid


def late() -> Exception:
    return PredictionTimedOut("no answer in time")


def broken(_: object) -> float:
    raise PredictionFailed("no numbers today")


async def shown(watcher: Counted, rows: int) -> None:
    """Wait until shadows have seen, or were spared, so many rows."""
    while sum(run + dropped for run, dropped in watcher.shadows) < rows:
        await asyncio.sleep(0.005)


def test_what_shadows_say_stands_beside_the_decision_and_changes_nothing(installation: Installation) -> None:
    line = a_line(
        installation, traffic(arm(1, Here(RELEASE)), arm(2, Here(PAUSE)), arm(3, Here(broken)), shadows=(2, 3))
    )
    watcher = Counted()

    async def work(decider: Decider) -> None:
        for n in range(3):
            assert outcome(await decider.decide(request_of(line, payment(n), at=installation.clock.now()))) == "release"
        await shown(watcher, 6)

    deciding(installation, [line], work, watcher=watcher)
    said = [(row.model_version, row.outcome, row.score, row.error) for row in shadows(installation)]
    assert said == [(2, "pause", 0.9, None), (3, "review", None, "no numbers today")] * 3
    assert {record.row.outcome for record in recorded(installation)} == {"release"}
    assert {row.decision_id for row in shadows(installation)} == {record.row.id for record in recorded(installation)}


def test_a_shadow_is_not_shown_what_it_was_pinned_to_decide_itself(installation: Installation) -> None:
    line = a_line(
        installation, traffic(arm(1, Here(RELEASE)), arm(2, Here(PAUSE)), arm(3, Here(RELEASE)), shadows=(2, 3))
    )
    watcher = Counted()

    async def work(decider: Decider) -> None:
        at = installation.clock.now()
        requests = [request_of(line, payment(n), at=at, pinned=2 if n % 2 else None) for n in range(4)]
        await decider.decide_batch(requests)
        await shown(watcher, 6)

    deciding(installation, [line], work, watcher=watcher)
    decided = {record.row.id: record.row.outcome for record in recorded(installation)}
    said = [(row.model_version, decided[row.decision_id]) for row in shadows(installation)]
    assert sorted(said) == [(2, "release")] * 2 + [(3, "pause")] * 2 + [(3, "release")] * 2


def test_a_shadow_that_hangs_holds_up_no_answer_and_not_the_end(installation: Installation) -> None:
    hanging = Elsewhere(PAUSE, late=late)
    hanging.open.clear()
    line = a_line(installation, traffic(arm(1, Here(RELEASE)), arm(2, hanging), shadows=(2,)))

    async def work(decider: Decider) -> None:
        for n in range(20):
            assert outcome(await decider.decide(request_of(line, payment(n), at=installation.clock.now()))) == "release"
        while hanging.under_way == 0:
            await asyncio.sleep(0.005)

    deciding(installation, [line], work, within=8)
    assert len(recorded(installation)) == 20
    assert shadows(installation) == []


def test_while_requests_wait_nothing_is_shown_and_what_does_not_fit_is_dropped(installation: Installation) -> None:
    looking, busy = Here(PAUSE), Elsewhere(RELEASE, late=late, capacity=1)
    busy.open.clear()
    watched = a_line(installation, traffic(arm(1, Here(RELEASE)), arm(2, looking), shadows=(2,)))
    other = a_line(installation, traffic(arm(1, busy, automation="refunds")), "refunds")
    watcher, extra = Counted(), 300

    async def work(decider: Decider) -> None:
        under_way = decider.decide(request_of(other, payment()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting = decider.decide(request_of(other, payment()))
        at = installation.clock.now()
        requests: list[Any] = [request_of(watched, payment(n), at=at) for n in range(ROOM + extra)]
        await decider.decide_batch(requests)
        await asyncio.sleep(0.1)
        assert looking.asked == []
        assert sum(dropped for _, dropped in watcher.shadows) == extra
        busy.open.set()
        await asyncio.gather(under_way, waiting)
        await shown(watcher, ROOM + extra)

    deciding(installation, [watched, other], work, watcher=watcher, within=60)
    assert sum(looking.asked) == ROOM
    assert len(shadows(installation)) == ROOM


def test_a_shadow_sees_no_more_than_the_budget_pays_for(installation: Installation) -> None:
    line = a_line(installation, traffic(arm(1, Here(RELEASE)), arm(2, Here(PAUSE)), shadows=(2,)))
    watcher, purse = Counted(), Purse(predictions=8)

    async def work(decider: Decider) -> None:
        at = installation.clock.now()
        await decider.decide_batch([request_of(line, payment(n), at=at) for n in range(5)])
        await shown(watcher, 5)

    deciding(installation, [line], work, watcher=watcher, purse=purse)
    assert [tuple(map(sum, zip(*watcher.shadows, strict=True)))] == [(3, 2)]
    assert len(shadows(installation)) == 3
    assert purse.decided == 5
    assert purse.looked_on == 3


def test_what_cannot_be_written_is_lost_and_the_next_is_shown(installation: Installation) -> None:
    line = a_line(installation, traffic(arm(1, Here(RELEASE)), arm(2, Here(PAUSE)), shadows=(2,)))
    watcher = Counted()

    def rename(one: str, other: str) -> None:
        with installation.database.begin() as tx:
            tx.execute(text(f"ALTER TABLE {one} RENAME TO {other}"))

    async def work(decider: Decider) -> None:
        at = installation.clock.now()
        rename("shadow_predictions", "elsewhere")
        await decider.decide(request_of(line, payment(1), at=at))
        await shown(watcher, 1)
        rename("elsewhere", "shadow_predictions")
        await decider.decide(request_of(line, payment(2), at=at))
        await shown(watcher, 2)

    deciding(installation, [line], work, watcher=watcher)
    assert watcher.shadows == [(0, 1), (1, 0)]
    assert len(shadows(installation)) == 1
