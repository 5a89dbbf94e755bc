"""All streams of one process, each on its own: what is wrong with one keeps no other waiting."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import uuid4

import structlog

from andon.authoring import Automation, Trigger
from andon.decisions import BatchDecider, Contract
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.errors import Unavailable
from andon.streams.consumer import Consumer, Watch
from andon.streams.domain import StreamKey
from andon.streams.ports import Source
from andon.streams.reading import MAX_BYTES, Reader

log = structlog.get_logger(__name__)

LANES = 2
"""Writers of one stream in one process, each with partitions of its own: while one waits for PostgreSQL, the other computes."""

RESTART_SECONDS = 2.0
"""How long a stream rests after something unforeseen."""


class Streams:
    """Reads and decides the streams of these automations until told to stop.

    `open_source` gives a source for a trigger, `decider` a writer of its own for each stream. A process is one reader of each
    of its streams; give it another name (`member`) only in tests.
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
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._declared = [(automation, trigger) for automation in automations for trigger in automation.triggers]
        self._open_source = open_source
        self._decider = decider
        self._database = database
        self._clock = clock
        self._watch = watch
        self._max_bytes = max_bytes
        self._running: dict[StreamKey, Consumer] = {}

    @property
    def some(self) -> bool:
        """Whether there is anything to read."""
        return bool(self._declared)

    def poke(self) -> None:
        """Somebody paused, resumed or sought a stream: look at once."""
        for consumer in self._running.values():
            consumer.poke()

    async def run(self, stop: asyncio.Event) -> None:
        """All of them, side by side."""
        await asyncio.gather(*(self._run(automation, trigger, stop) for automation, trigger in self._declared))

    async def _run(self, automation: Automation, trigger: Trigger, stop: asyncio.Event) -> None:
        key = StreamKey(automation.name, trigger.name)
        reader = Reader(key, trigger, Contract(automation.contract), max_bytes=self._max_bytes)
        while not stop.is_set():
            consumer = self._running[key] = Consumer(
                reader,
                lambda: self._open_source(automation, trigger),
                [self._decider() for _ in range(LANES)],
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
