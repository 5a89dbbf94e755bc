"""Procedures that tests conduct: what their steps did stands in `calls`."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from andon import Procedure, Retry, procedure, webhook
from andon.authoring import ProcedureSpec

SOON = Retry(attempts=3, first=timedelta(milliseconds=1), longest=timedelta(milliseconds=1))


class Case(BaseModel):
    """What these procedures are given."""

    account: str = "a1"
    fail: bool = False
    times: int = 0


class Calls:
    """What steps did, as the world sees it."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def lock(self, account: str) -> datetime:
        self.made.append(f"lock {account}")
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def notify(self, account: str) -> dict[str, Any]:
        self.made.append(f"notify {account}")
        return {"told": account}

    def unlock(self, account: str) -> None:
        self.made.append(f"unlock {account}")

    def silence(self, account: str) -> None:
        self.made.append(f"silence {account}")
        raise OSError("nobody there")

    def shaky(self, times: int) -> int:
        self.made.append("shaky")
        if self.made.count("shaky") <= times:
            raise ConnectionError("not yet")
        return self.made.count("shaky")

    def leave(self) -> None:
        self.made.append("leave")
        raise SystemExit(3)

    async def both_leave(self) -> None:
        async def one(code: int) -> None:
            self.made.append("leave")
            raise SystemExit(code)

        await asyncio.gather(one(3), one(4))

    async def break_off(self) -> None:
        self.made.append("break off")
        raise KeyboardInterrupt


calls = Calls()


@procedure("hold")
async def hold(p: Procedure, case: Case) -> dict[str, Any]:
    locked = await p.step(calls.lock, case.account, compensate=lambda: p.step(calls.unlock, case.account))
    told = await p.step(calls.notify, case.account, compensate=lambda: p.step(calls.silence, case.account, retry=SOON))
    if case.fail:
        raise RuntimeError("the third step is missing")
    return {"year": locked.year, "told": told["told"], "by": p.automation}


@procedure("try")
async def trying(p: Procedure, case: Case) -> int:
    return await p.step(calls.shaky, case.times, retry=SOON)


@procedure("pick")
async def picky(p: Procedure, case: Case) -> int:
    return await p.step(calls.shaky, case.times, retry=Retry(never=(ConnectionError,)))


@procedure("leave")
async def leaving(p: Procedure, case: Case) -> None:
    await p.step(calls.notify, case.account, compensate=calls.break_off)
    if case.account == "between":
        raise SystemExit("no more")
    await p.step({"plain": calls.leave, "tasks": calls.both_leave}.get(case.account, calls.break_off))


@procedure("await")
async def waiting(p: Procedure, case: Case) -> Any:
    first = await p.wait_for("answer", within=timedelta(days=2))
    second = await p.wait_for("answer", within=timedelta(milliseconds=case.times))
    return [first and (first.data, first.by), second and second.data]


@procedure("ask")
async def asking(p: Procedure, case: Case) -> list[str]:
    answer = await p.ask("Release it?", choices=["release", "confirm"], queue="fraud", due=timedelta(hours=1))
    return [answer.choice, answer.reason, answer.by]


@procedure("tell")
async def telling(p: Procedure, case: Case) -> str:
    await p.deliver(webhook("bank"), {"id": case.account}, event="pause", compensate=lambda: p.step(calls.unlock, "it"))
    return "told"


@procedure("chance")
async def chance(p: Procedure, case: Case) -> list[Any]:
    drawn = [await p.now(), await p.random()]
    await p.sleep(timedelta(milliseconds=50))
    await p.sleep_until(datetime(2020, 1, 1, tzinfo=UTC))
    return drawn


@procedure("both-at-once")
async def overlapping(p: Procedure, case: Case) -> None:
    await asyncio.gather(p.step(calls.notify, "a"), p.step(calls.lock, "c"))


SPECS: tuple[ProcedureSpec, ...] = (hold, trying, picky, leaving, waiting, asking, telling, chance)
