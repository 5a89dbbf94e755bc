"""Shared parts of stream tests: an installation whose automation reads a source in memory, and its process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from pydantic_core import to_json
from sqlalchemy import make_url, text

from andon import Automation, Trigger, audit
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.decisions import BatchDecider, Unwatched
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.streams import Moved, Source, StreamKey, Streams
from automations import an_automation, payment
from lines import Installation, install

MEMORY = Trigger("memory", "payments")
KEY = StreamKey("payments", "memory:payments")
SOON = 20.0


class Counting:
    """Counts what happened."""

    def __init__(self) -> None:
        self.batches: list[Moved] = []
        self.failures = 0

    def moved(self, key: StreamKey, moved: Moved) -> None:
        del key
        self.batches.append(moved)

    def stands(self, key: StreamKey, lag: int, watermark: datetime | None, partitions: int) -> None:
        del key
        self.partitions, self.lag, self.watermark = partitions, lag, watermark

    def failed(self, key: StreamKey) -> None:
        del key
        self.failures += 1

    def lost(self, key: StreamKey, messages: int) -> None:
        raise AssertionError(f"{messages} of {key} are lost")


def streaming(database: Database, folder: Path, *triggers: Trigger, windows: bool = True) -> Installation:
    """Return an installation whose automation reads events."""
    automation: Automation = an_automation(windows=windows)
    automation.triggers = triggers or (MEMORY,)
    return install(database, folder, automation)


@asynccontextmanager
async def reading(
    installation: Installation,
    source: Source,
    *,
    automations: Sequence[Automation] | None = None,
    database: Database | None = None,
    watch: Counting | None = None,
    open_source: Callable[[Automation, Trigger], Source] | None = None,
    **options: Any,
) -> AsyncIterator[Streams]:
    """Run a process that reads the streams, until the block ends."""
    stop = asyncio.Event()
    streams = Streams(
        automations or [line.automation for line in installation.deployment.lines.values()],
        open_source=open_source or (lambda *_: source),
        decider=lambda: BatchDecider(
            database or installation.database,
            installation.deployment.line,
            clock=installation.clock,
            controls=installation.deployment.controls,
            watcher=Unwatched(),
        ),
        database=database or installation.database,
        clock=installation.clock,
        watch=watch or Counting(),
        events=Events(),
        **options,
    )
    running = asyncio.ensure_future(streams.run(stop))
    try:
        yield streams
    finally:
        stop.set()
        await running


async def until(condition: Callable[[], object], seconds: float = SOON) -> None:
    """Wait for something to become true."""
    end = perf_counter() + seconds
    while not condition():
        assert perf_counter() < end, "it did not come about in time"
        await asyncio.sleep(0.02)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


def scalar(installation: Installation, statement: str) -> Any:
    with installation.database.begin() as tx:
        return tx.execute(text(statement)).scalar_one()


def rows(installation: Installation, statement: str) -> list[Any]:
    with installation.database.begin() as tx:
        return list(tx.execute(text(statement)).all())


def decided(installation: Installation) -> int:
    return int(scalar(installation, "SELECT count(*) FROM decisions"))


def sound(installation: Installation) -> bool:
    """Whether verification of the audit log finds nothing, neither in the ledger nor in the positions of streams."""
    with installation.database.snapshot() as tx:
        report = audit.verify(tx, evidence=all_evidence(), rows=ROWS)
    assert report.ok, report.findings
    return True


def cloud_event(number: int, **fields: Any) -> tuple[bytes, dict[str, str]]:
    """Return an event as Kafka delivers it."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": f"e{number}",
        "ce_source": "/bank",
        "ce_type": "payment.made",
        "content-type": "application/json",
    }
    return to_json(payment(number, **fields)), headers


class Forwarder:
    """A way to PostgreSQL that can be cut."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self.cuts = 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]

    @property
    def url(self) -> str:
        """The database through it."""
        through = self._target.set(host="127.0.0.1", port=self._port, query={})
        return through.render_as_string(hide_password=False)

    async def __aenter__(self) -> "Forwarder":
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def cut(self) -> None:
        """End all connections there are."""
        self.cuts += bool(self._open)
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        there, back = await asyncio.open_connection(self._target.host, self._target.port)
        self._open |= {writer, back}
        await asyncio.gather(_pass(reader, back), _pass(there, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
