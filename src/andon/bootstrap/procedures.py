"""Procedures in a worker. If the project has none, nothing is loaded for them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from andon.actions import Destination
from andon.authoring import Automation, ProcedureSpec
from andon.bootstrap.measures import Measures
from andon.kernel import durable
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.metrics import Metrics, Readings

if TYPE_CHECKING:
    from andon.procedures import AgentDesk
    from andon.procedures.conducting import Conductor

_ATTEMPTS = 20


@dataclass(slots=True)
class Procedures:
    """The starter and runner of procedures, if there are any; each is a destination of actions."""

    conductor: "Conductor | None" = None
    destinations: dict[str, Destination] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Run procedures until `stop` is set; then stop each at its current step."""
        if self.conductor is not None:
            try:
                await stop.wait()
            finally:
                await asyncio.to_thread(self.conductor.close)

    async def launch(self) -> None:
        """Get ready to start procedures; call it before anything is delivered."""
        if self.conductor is not None:
            await asyncio.to_thread(self.conductor.launch)


def procedures_of(automations: Sequence[Automation]) -> list[ProcedureSpec]:
    """Return all procedures of a project, each version of the code once."""
    return list({one.flow: one for automation in automations for one in automation.procedures}.values())


def conduct(
    database: Database, automations: Sequence[Automation], clock: Clock, measures: Measures, desk: "AgentDesk"
) -> Procedures:
    """Return the runner of a project's procedures in this process."""
    specs = procedures_of(automations)
    if not specs:
        return Procedures()
    from andon.procedures.conducting import Conductor  # a process without procedures does not load DBOS

    conductor = Conductor(database, specs, clock, observer=measures.procedures, desk=desk)
    _watch(database, conductor, measures.metrics, clock)
    return Procedures(
        conductor,
        {
            one.name: Destination(
                one.name, f"procedure:{one.name}", timeout=timedelta(seconds=30), max_attempts=_ATTEMPTS, own=True
            )
            for one in specs
            if not one.retired
        },
    )


def _watch(database: Database, conductor: "Conductor", metrics: Metrics, clock: Clock) -> None:
    def states() -> Readings:
        with database.begin() as tx:
            found = durable.counts(tx) if durable.is_set_up(tx) else {}
        totals: dict[tuple[str, str], int] = {}
        for (flow, state), count in found.items():
            key = (flow.partition("@")[0], state.value)
            totals[key] = totals.get(key, 0) + count
        return list(totals.items())

    def oldest() -> float:
        with database.begin() as tx:
            since = durable.oldest(tx) if durable.is_set_up(tx) else None
        return 0.0 if since is None else max((clock.now() - since).total_seconds(), 0.0)

    def stranded() -> float:
        with database.begin() as tx:
            return sum(conductor.stranded(tx).values()) if durable.is_set_up(tx) else 0

    metrics.gauges_of(
        "andon_procedures", "Procedures that have not ended, by state.", states, labels=("procedure", "state")
    )
    metrics.gauge_of("andon_procedures_oldest_seconds", "Age of the oldest procedure that has not ended.", oldest)
    metrics.gauge_of(
        "andon_procedures_without_code", "Procedures that began on code that this worker does not have.", stranded
    )
