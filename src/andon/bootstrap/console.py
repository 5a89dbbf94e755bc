"""A console process."""

import asyncio
from contextlib import suppress

import uvloop

from andon import console
from andon.access import KeyRing, UseTeller
from andon.bootstrap.explaining import explaining
from andon.bootstrap.inheritance import ALONE, Inheritance
from andon.bootstrap.project import build_events
from andon.bootstrap.rehearsing import rehearsal
from andon.bootstrap.trials import VersionTrials
from andon.kernel.clock import SharedClock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.logs import configure_logs
from andon.wire import HttpServer


def serve_console(settings: Settings, url: str, pepper: bytes, place: Inheritance = ALONE) -> None:
    """Run the console until it is stopped."""
    configure_logs("console", settings.telemetry.log_level)
    uvloop.run(_serve(settings, Database(url, pool_size=2), pepper, place))


async def _serve(settings: Settings, database: Database, pepper: bytes, place: Inheritance) -> None:
    clock, keys = SharedClock(database.now), KeyRing(pepper)
    events, rehearse = build_events(settings), rehearsal(settings, database)
    explain, trials = explaining(settings, database), VersionTrials(settings, database, clock, events)
    app = console.create_app(settings, database, clock, keys, events, rehearse, explain, trials)
    ended = asyncio.Event()
    host, port = settings.console.host, settings.console.port
    server = HttpServer(
        app,
        host=host,
        port=port,
        ending=ended.set,
        ready=place.tell_ready,
        sockets=place.sockets,
        proxies=settings.console.proxies,
    )
    aside = asyncio.gather(clock.follow(), UseTeller(database, keys).run())
    try:
        await server.serve()
    finally:
        aside.cancel()
        with suppress(asyncio.CancelledError):
            await aside
        app.state.console.searches.close()
        database.close()
