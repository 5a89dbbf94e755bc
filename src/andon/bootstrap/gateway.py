"""A gateway process: load, serve, follow changes, drain."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog
import uvloop
from starlette.concurrency import run_in_threadpool

from andon import decisions, features, migrations
from andon.access import KeyRing, UseTeller
from andon.bootstrap.costs import add_cost
from andon.bootstrap.deploying import deployment_of, rule_of_gateway
from andon.bootstrap.descriptors import raise_open_files_limit
from andon.bootstrap.explaining import explaining
from andon.bootstrap.following import Following
from andon.bootstrap.gauges import watch_queue, watch_traffic, watch_versions
from andon.bootstrap.gpus import find_nvml, watch_gpus
from andon.bootstrap.inheritance import ALONE, Inheritance
from andon.bootstrap.live import report_live
from andon.bootstrap.loop import LoopMetrics
from andon.bootstrap.measures import Measures
from andon.bootstrap.memory import settle_memory
from andon.bootstrap.observers import CommitTraces
from andon.bootstrap.planning import PlanningHere
from andon.bootstrap.pools import watch_pools
from andon.bootstrap.project import build_events, load_automations
from andon.bootstrap.rehearsing import rehearsal
from andon.bootstrap.retrying import end_hand_overs, try_again
from andon.bootstrap.spending import Paying, cpu_seconds_of, gpu_us_of, keep_spending
from andon.bootstrap.threads import one_thread
from andon.bootstrap.tracing import tracing
from andon.bootstrap.trials import VersionTrials
from andon.decisions import Decider
from andon.gateway import Admission, Gateway, Side, create_app, serve_inference
from andon.kernel.clock import Clock, SharedClock
from andon.kernel.config import Settings
from andon.kernel.db import OVER, Database, DatabaseUnavailable
from andon.kernel.listening import listen
from andon.kernel.logs import configure_logs
from andon.kernel.patience import patiently
from andon.live import LiveWatch, Reporter
from andon.spending import Keeper
from andon.wire import HttpServer, Parking

log = structlog.get_logger(__name__)


def serve_gateway(settings: Settings, url: str, pepper: bytes, place: Inheritance = ALONE) -> None:
    """Run a gateway until it is stopped; return once every request in flight is answered."""
    configure_logs("gateway", settings.telemetry.log_level)
    one_thread()
    raise_open_files_limit()
    flush = tracing("gateway", settings)
    try:
        uvloop.run(_serve(settings, Database(url, pool_size=8, socket=place.database), pepper, place))
    finally:
        flush()


async def _serve(settings: Settings, database: Database, pepper: bytes, place: Inheritance) -> None:
    clock = SharedClock(database.now)
    await clock.begin()
    gateway, side, keeper, reporter, teller, loop = _build(settings, database, pepper, clock)
    following = Following(gateway.deployment, lambda: _refresh_keys(gateway), decides=lambda: True)
    ended = asyncio.Event()

    def ending() -> None:
        gateway.draining = True
        gateway.waiters.wake_all()
        ended.set()

    def hurry() -> None:
        gateway.hurried = True

    async def answer_calls() -> None:
        inference = serve_inference(gateway, side, shared=place.grpc_port == limits.grpc_port)
        await inference.start()
        await ended.wait()
        await inference.stop()

    await patiently(following.take_all)
    limits, app = settings.gateway, create_app(gateway, side)
    parking = Parking(app.decide.overload)
    side.metrics.gauge_of(
        "andon_parked_connections", "Connections on which the shedder refuses every request.", lambda: parking.parked
    )
    server = HttpServer(
        app,
        host=limits.host,
        port=limits.port,
        ending=ending,
        hurry=hurry,
        ready=place.tell_ready,
        sockets=place.sockets,
        parking=parking,
    )
    aside = asyncio.gather(
        listen(database, following.heard),
        following.run(),
        listen(database, gateway.waiters.heard, channel=OVER),
        loop.watch(),
        try_again(gateway.deployment),
        end_hand_overs(gateway.deployment, clock),
        reporter.run(),
        teller.run(),
        UseTeller(database, gateway.keys).run(),
        clock.follow(),
    )
    try:
        await run_in_threadpool(_plan_days, gateway)
        await gateway.decider.open()
        await place.until_ready(lambda: _problems(gateway))
        await patiently(lambda: asyncio.to_thread(gateway.deployment.release_here))
        async with keeper:
            await run_in_threadpool(settle_memory, young=10_000)  # loads in advance what the first request would load
            async with asyncio.TaskGroup() as beside:
                beside.create_task(answer_calls())
                await server.serve()
                parking.close()
                ended.set()
            await gateway.decider.close()
    finally:
        aside.cancel()
        with suppress(asyncio.CancelledError):
            await aside
        for loaded in gateway.deployment.loaded:
            await loaded.close()
        gateway.searches.close()
        database.close()
        log.info("gateway.ended")


def _build(
    settings: Settings, database: Database, pepper: bytes, clock: Clock
) -> tuple[Gateway, Side, Keeper, Reporter, features.BreachTeller, LoopMetrics]:
    keys, automations, events = KeyRing(pepper), load_automations(settings), build_events(settings)
    teller = features.BreachTeller(database, events, clock)
    measures = Measures(breached=teller.count)
    metrics = measures.metrics
    deployment = deployment_of(
        settings,
        database,
        automations,
        clock,
        rule=rule_of_gateway(settings),
        events=events,
        retire=lambda loaded: decider.retire(loaded),
    )
    keeper = keep_spending(
        settings,
        database,
        automations,
        clock=clock,
        events=events,
        watcher=measures.spending,
        cpu_seconds=cpu_seconds_of(lambda: deployment.loaded),
    )
    observer, tracing = measures.decisions, settings.telemetry.otlp_endpoint is not None
    watch = LiveWatch(CommitTraces(observer) if tracing else observer)
    decider = Decider(
        database,
        lambda: deployment.lines,
        clock=clock,
        controls=deployment.controls,
        watcher=watch,
        purse=Paying(keeper, gpu_us_of(automations, lambda: deployment.loaded)),
    )
    limits = settings.gateway
    gateway = Gateway(
        settings=settings,
        database=database,
        keys=keys,
        deployment=deployment,
        decider=decider,
        admission=Admission(burst=limits.burst, per_minute=limits.rate_per_minute, max_in_flight=limits.max_in_flight),
        metrics=measures.requests,
        events=events,
        clock=clock,
        pepper=pepper,
        tracing=tracing,
        tools=measures.tools,
        rehearse=rehearsal(settings, database, lambda name: deployment.lines[name].automation),
        explain=explaining(
            settings, database, lambda name: deployment.line(name).automation, lambda: deployment.loaded
        ),
        trials=VersionTrials(settings, database, clock, events),
        planning=PlanningHere(settings, database, lambda: {one.name: one for one in automations}),
    )
    add_cost(metrics, settings, observer)
    metrics.gauge_of("andon_in_flight", "Decisions under way.", lambda: gateway.admission.in_flight)
    metrics.gauge_of(
        "andon_automations_behind",
        "Automations whose newest champion cannot be loaded: they continue with the previous one, or have none.",
        lambda: len(deployment.problems),
    )
    watch_queue(metrics, lambda: decider.depths)
    watch_versions(metrics, lambda: deployment.lines, lambda: decider.depths_by_version)
    watch_traffic(metrics, lambda: deployment.lines)
    watch_pools(metrics, lambda: deployment.loaded)
    watch_gpus(metrics, find_nvml())
    side = Side(keys=keys, clock=clock, metrics=metrics, problems=lambda: _problems(gateway))
    reporter = report_live(
        database,
        "gateway",
        watch,
        decider,
        deployment,
        measures.requests.refused,
        clock=clock,
        under_way=lambda: gateway.admission.in_flight,
    )
    return gateway, side, keeper, reporter, teller, measures.loop


def _refresh_keys(gateway: Gateway) -> None:
    with gateway.database.begin() as tx:
        gateway.keys.refresh(tx, gateway.clock.now())


def _plan_days(gateway: Gateway) -> None:
    """Create the ledger's partitions before the first decision: the worker that maintains them may start later."""
    try:
        with gateway.database.begin() as tx:
            decisions.plan_days(tx, gateway.clock.now())
    except DatabaseUnavailable as error:
        log.warning("gateway.days_not_planned", error=str(error))


def _problems(gateway: Gateway) -> Mapping[str, str]:
    """Return the problems that keep this gateway from taking work."""
    if gateway.draining:
        return {"gateway": "it is shutting down"}
    try:
        current = migrations.is_current(gateway.database)
    except DatabaseUnavailable:
        return {"database": "PostgreSQL does not answer"}
    problems = {} if current else {"migrations": "the schema does not match this version; run `andon up`"}
    missing = {name: error for name, error in gateway.deployment.problems.items() if name not in gateway.lines}
    return problems | {f"automation {name}": str(error) for name, error in missing.items()}
