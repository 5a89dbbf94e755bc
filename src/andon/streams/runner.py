"""All streams of one process, each on its own: a fault in one does not block the others."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import uuid4

import structlog

from andon.authoring import Automation, Trigger
from andon.decisions import BatchDecider, Contract
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.errors import Unavailable
from andon.kernel.events import Events
from andon.streams.consumer import Consumer, Decides, Watch
from andon.streams.domain import StreamKey
from andon.streams.labelling import LabelWriter, ReportContract
from andon.streams.moves import MoveContract, MoveWriter
from andon.streams.ports import Source
from andon.streams.reading import MAX_BYTES, ArrivalReader, Reads

log = structlog.get_logger(__name__)

LANES = 4
"""Writers of one process, for all its streams: a partition keeps to one.

While one waits for PostgreSQL, others compute.
"""

FOLDER_MOVES = "folder_moves"
"""The kind of trigger whose events are places of mails."""

RESTART_SECONDS = 2.0
"""The pause of a stream after an unforeseen error."""


class Streams:
    """Reads and decides the streams of these automations until stopped.

    `open_source` returns a source for a trigger, `decider` one of LANES writers. A process is one reader of each of its
    streams.
    """

    def __init__(
        self,
        automations: Sequence[Automation],
        *,
        open_source: Callable[[Automation, Trigger], Source],
        decider: Callable[[], BatchDecider],
        database: Database,
        clock: Clock,
        watch: Watch,
        events: Events,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._declared = [(automation, trigger) for automation in automations for trigger in automation.triggers]
        self._reported = [(automation, trigger) for automation in automations for trigger in automation.reported]
        self._open_source = open_source
        self._decider = decider
        self._database = database
        self._clock = clock
        self._watch = watch
        self._events = events
        self._max_bytes = max_bytes
        self._running: dict[StreamKey, Consumer] = {}

    @property
    def some(self) -> bool:
        """Whether there is anything to read."""
        return bool(self._declared or self._reported)

    def poke(self) -> None:
        """Look immediately: somebody paused, resumed or sought a stream."""
        for consumer in self._running.values():
            consumer.poke()

    async def run(self, stop: asyncio.Event) -> None:
        """Run all streams concurrently."""
        writers = deque(self._decider() for _ in range(LANES))
        running = []
        for automation, trigger in self._declared:
            line = Contract(automation.contract)
            running.append(self._run(automation, trigger, line, list(writers), stop))
            writers.rotate()  # streams with one partition each begin with different writers
        for automation, trigger in self._reported:
            moves = trigger.source == FOLDER_MOVES
            contract: Reads = MoveContract() if moves else ReportContract()
            writer = (MoveWriter if moves else LabelWriter)(
                self._database, automation.name, events=self._events, clock=self._clock
            )
            running.append(self._run(automation, trigger, contract, [writer], stop))
        try:
            await asyncio.gather(*running)
        finally:
            for decider in writers:
                await decider.close()

    async def _run(
        self,
        automation: Automation,
        trigger: Trigger,
        contract: Reads,
        writers: Sequence[Decides],
        stop: asyncio.Event,
    ) -> None:
        key = StreamKey(automation.name, trigger.name)
        reader = ArrivalReader(key, trigger, contract, max_bytes=self._max_bytes)
        while not stop.is_set():
            consumer = self._running[key] = Consumer(
                reader,
                lambda: self._open_source(automation, trigger),
                writers,
                database=self._database,
                member=uuid4(),
                clock=self._clock,
                watch=self._watch,
            )
            try:
                await consumer.run(stop)
            except Unavailable as error:
                log.warning("stream.interrupted", stream=str(key), error=type(error).__name__)
            except Exception:
                log.exception("stream.broke", stream=str(key))
            if not stop.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RESTART_SECONDS)
