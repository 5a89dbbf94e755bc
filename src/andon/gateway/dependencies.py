"""Dependencies of the control routes: the caller, the database, the time."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import AfterValidator, AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

from andon.access import KeyRing, Principal
from andon.decisions import AutomationNotFound, Decider, Deployment, Explain, Line
from andon.gateway.admission import Admission
from andon.gateway.authorization import bearer
from andon.gateway.errors import NotReady
from andon.gateway.requests import RequestMetrics
from andon.gateway.side import Side
from andon.gateway.waiters import Waiters
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database, Tx
from andon.kernel.events import Events
from andon.kernel.moments import in_utc
from andon.kernel.searches import Searches
from andon.models import Trials
from andon.plans import Planning
from andon.replays import Rehearse
from andon.tools.metrics import ToolMetrics

T = TypeVar("T")


@dataclass(slots=True)
class Gateway:
    """Everything a gateway process holds. Built by `bootstrap`.

    `draining`: the shutdown has begun. `hurried`: it has lasted a while, so long work is cut short.
    `trials` try a version in a process of its own before it may answer.
    """

    settings: Settings
    database: Database
    keys: KeyRing
    deployment: Deployment
    decider: Decider
    admission: Admission
    metrics: RequestMetrics
    events: Events
    clock: Clock
    pepper: bytes
    tracing: bool = False
    draining: bool = False
    hurried: bool = False
    keys_in_flight: set[tuple[str, str]] = field(default_factory=set)
    rehearse: Rehearse | None = None
    explain: Explain | None = None
    planning: Planning | None = None
    tools: ToolMetrics | None = None
    trials: Trials | None = None
    waiters: Waiters = field(default_factory=Waiters)
    searches: Searches = field(init=False)

    def __post_init__(self) -> None:
        self.searches = Searches(self.database)

    @property
    def lines(self) -> Mapping[str, Line]:
        """The lines that decide now, by automation."""
        return self.deployment.lines

    def line(self, name: str) -> Line:
        """Return the line of one automation. Raises AutomationNotFound, NotReady."""
        line = self.deployment.lines.get(name)
        if line is not None:
            return line
        problem = self.deployment.problems.get(name)
        if problem is not None:
            raise NotReady(f"The automation {name!r} is not ready: {problem}")
        raise AutomationNotFound(f"No automation {name!r} is deployed here")

    def label_of(self, name: str) -> str:
        """Return the name of an automation for metrics; `unknown` if it is not deployed."""
        return name if name in self.deployment.lines else "unknown"

    async def in_thread(self, work: Callable[[Tx], T]) -> T:
        """Do short database work in one transaction, in a thread."""

        def transaction() -> T:
            with self.database.begin() as tx:
                return work(tx)

        return await asyncio.to_thread(transaction)


def _words(given: object) -> object:
    """Refuse a number of seconds, which Pydantic would take as well."""
    if isinstance(given, int | float) or (isinstance(given, str) and _is_number(given)):
        raise PydanticCustomError("datetime_parsing", "Expected a date and time, such as 2026-11-25T09:30:00Z")
    return given


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _only_a_day(given: object) -> object:
    """Refuse a number of seconds and a midnight, which Pydantic would take as well."""
    if isinstance(given, str) and not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        raise PydanticCustomError("date_parsing", "Expected a day, such as 2026-11-25")
    return given


def _utc(moment: datetime) -> datetime:
    """Return the moment in UTC, which is assumed where it names no zone."""
    try:
        return in_utc(moment)
    except ValueError:
        raise PydanticCustomError("datetime_parsing", "Expected a date and time in the years 1 to 9999 UTC") from None


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def _side(request: Request) -> Side:
    side: Side = request.app.state.side
    return side


def _caller(request: Request, side: Annotated[Side, Depends(_side)]) -> Principal:
    return side.keys.authenticate(bearer(request.headers.get("authorization")), side.clock.now())


def _database(gateway: Annotated[Gateway, Depends(_gateway)]) -> Database:
    return gateway.database


def _now(side: Annotated[Side, Depends(_side)]) -> datetime:
    return side.clock.now()


def _events(gateway: Annotated[Gateway, Depends(_gateway)]) -> Events:
    return gateway.events


def _pepper(gateway: Annotated[Gateway, Depends(_gateway)]) -> bytes:
    return gateway.pepper


Moment = Annotated[datetime, BeforeValidator(_words), AfterValidator(_utc)]
ZonedMoment = Annotated[AwareDatetime, BeforeValidator(_words), AfterValidator(_utc)]
Day = Annotated[date, BeforeValidator(_only_a_day)]
SideParts = Annotated[Side, Depends(_side)]
Parts = Annotated[Gateway, Depends(_gateway)]
Caller = Annotated[Principal, Depends(_caller)]
Db = Annotated[Database, Depends(_database)]
Now = Annotated[datetime, Depends(_now)]
Bus = Annotated[Events, Depends(_events)]
Pepper = Annotated[bytes, Depends(_pepper)]
