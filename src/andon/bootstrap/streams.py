"""The streams of a worker: the source for each kind of trigger, and their metrics."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from andon.authoring import Automation, Trigger
from andon.bootstrap.brokers import Lost, open_kafka, open_nats
from andon.bootstrap.mailboxes import open_folders, open_gmail, open_graph, open_imap
from andon.decisions import BatchDecider, BatchWatcher, Deployment, Payer
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database, DatabaseUnavailable
from andon.kernel.events import Events
from andon.streams import Source, SourceUnknown, StreamKey, Streams, Watch
from andon.streams.sources import FileSource, ScheduleSource, inbox_source, table_source

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 0.5
"""The pause before a database that was away at the start of a worker is tried again."""


@dataclass(frozen=True, slots=True)
class SourceParts:
    """The arguments of an opener."""

    settings: Settings
    database: Database
    clock: Clock
    automation: Automation
    trigger: Trigger
    lost: Lost


Opener: TypeAlias = Callable[[SourceParts], Source]
"""Builds the source of a trigger without connecting. Raises SettingsInvalid."""


def _table(wanted: SourceParts) -> Source:
    """Open a table in Andon's own database."""
    return table_source(wanted.database.connect, wanted.trigger.place, **wanted.trigger.options)


def _schedule(wanted: SourceParts) -> Source:
    trigger = wanted.trigger
    return ScheduleSource(
        f"{wanted.automation.name}/{trigger.place}",
        trigger.place,
        timezone=trigger.options["timezone"],
        catch_up=bool(trigger.options["catch_up"]),
        clock=wanted.clock,
    )


def _files(wanted: SourceParts) -> Source:
    """Open a folder, relative to andon.toml."""
    return FileSource(wanted.settings.root / wanted.trigger.place, **wanted.trigger.options)


def _inbox(wanted: SourceParts) -> Source:
    return inbox_source(wanted.database, wanted.automation.name)


def _kafka(wanted: SourceParts) -> Source:
    return open_kafka(wanted.settings, wanted.trigger, wanted.lost)


def _nats(wanted: SourceParts) -> Source:
    return open_nats(wanted.settings, wanted.trigger, wanted.lost)


def _imap(wanted: SourceParts) -> Source:
    return open_imap(*_mails(wanted), database=wanted.database, clock=wanted.clock)


def _graph(wanted: SourceParts) -> Source:
    return open_graph(*_mails(wanted), database=wanted.database, clock=wanted.clock)


def _gmail(wanted: SourceParts) -> Source:
    return open_gmail(*_mails(wanted), database=wanted.database, clock=wanted.clock)


def _mails(wanted: SourceParts) -> tuple[Settings, Trigger, str]:
    return wanted.settings, wanted.trigger, wanted.automation.name


def _folder_moves(wanted: SourceParts) -> Source:
    return open_folders(wanted.settings, wanted.trigger)


OPENERS: Mapping[str, Opener] = {
    "table": _table,
    "schedule": _schedule,
    "files": _files,
    "http": _inbox,
    "kafka": _kafka,
    "nats": _nats,
    "imap": _imap,
    "folder_moves": _folder_moves,
    "graph_mail": _graph,
    "gmail": _gmail,
}
"""The openers by kind of source."""


def streams_of(
    settings: Settings,
    database: Database,
    automations: Sequence[Automation],
    deployment: Deployment,
    *,
    clock: Clock,
    watch: Watch,
    watcher: BatchWatcher,
    purse: Payer,
    events: Events,
) -> Streams:
    """Return the streams of all automations of the project."""

    def open_source(automation: Automation, trigger: Trigger) -> Source:
        opener = OPENERS.get(trigger.source)
        if opener is None:
            raise SourceUnknown(f"This version of Andon cannot read a trigger of the kind {trigger.source!r}")

        def lost(partition: str, messages: int) -> None:
            log.error("stream.lost", stream=str(key), partition=partition, messages=messages)
            watch.lost(key, messages)

        key = StreamKey(automation.name, trigger.name)
        return opener(SourceParts(settings, database, clock, automation, trigger, lost))

    return Streams(
        automations,
        open_source=open_source,
        decider=lambda: BatchDecider(
            database,
            deployment.line,
            clock=clock,
            controls=deployment.controls,
            watcher=watcher,
            purse=purse,
        ),
        database=database,
        clock=clock,
        watch=watch,
        events=events,
        max_bytes=settings.gateway.max_body_bytes,
    )


async def run_streams(
    streams: Streams, deployment: Deployment, stop: asyncio.Event, *, again_seconds: float = AGAIN_SECONDS
) -> None:
    """Load the deployment, if there are streams, and read them.

    Streams wait for models that cannot be loaded yet.
    """
    if not streams.some:
        return
    while not stop.is_set():
        try:
            await asyncio.to_thread(deployment.refresh)
        except DatabaseUnavailable as error:
            log.warning("streams.not_loaded", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), again_seconds)
        else:
            await streams.run(stop)
            return
