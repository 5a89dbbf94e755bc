"""A worker process: deliveries, reviews to open, the intake, the seal of the audit log, housekeeping."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import structlog
import uvloop

from andon import alerts, audit, decisions, features, migrations
from andon.access import KeyRing, UseTeller
from andon.alerts.chores import SEND as SEND_ALERTS
from andon.audit import Report
from andon.bootstrap.aside import BatchesAside, CostsAside
from andon.bootstrap.audits import watch_audits
from andon.bootstrap.changed import watch_changes
from andon.bootstrap.chores import run_chores
from andon.bootstrap.delivering import build_deliveries
from andon.bootstrap.deploying import deployment_of, rule_of_others, unreleased
from andon.bootstrap.feeds import watch_feeds
from andon.bootstrap.following import Following
from andon.bootstrap.inheritance import ALONE, Inheritance
from andon.bootstrap.live import report_live
from andon.bootstrap.measured import watch_measures
from andon.bootstrap.measures import Measures
from andon.bootstrap.memory import settle_memory
from andon.bootstrap.monitors import watch_monitors
from andon.bootstrap.observers import CommitTraces
from andon.bootstrap.pools import watch_pools
from andon.bootstrap.procedures import conduct
from andon.bootstrap.project import build_events, load_automations
from andon.bootstrap.retrying import end_hand_overs, try_again
from andon.bootstrap.spending import Paying, advances_of, cpu_seconds_of, gpu_us_of, keep_spending
from andon.bootstrap.streams import run_streams, streams_of
from andon.bootstrap.threads import one_thread
from andon.bootstrap.tooling import WorkerDesk, some_tools
from andon.bootstrap.tracing import tracing
from andon.bootstrap.trial_metrics import watch_trials
from andon.bootstrap.verifying import verify_log
from andon.decisions import Decider, Deployment
from andon.experiments import ExperimentWatcher
from andon.gateway import Side, create_side
from andon.kernel import outbox
from andon.kernel.clock import SharedClock
from andon.kernel.config import Settings
from andon.kernel.db import Database, DatabaseUnavailable, Tx
from andon.kernel.listening import listen
from andon.kernel.logs import configure_logs
from andon.kernel.lookout import Lookout
from andon.kernel.metrics import Metrics
from andon.kernel.outbox import MessageState
from andon.kernel.patience import patiently
from andon.live import LiveWatch
from andon.reviews.chores import OPEN as OPEN_REVIEWS
from andon.rollouts import RolloutWatcher
from andon.streams import Intake, Streams
from andon.wire import HttpServer

log = structlog.get_logger(__name__)


def serve_worker(settings: Settings, url: str, pepper: bytes, place: Inheritance = ALONE) -> None:
    """Run a worker until it is stopped; return once begun work is finished or given back."""
    configure_logs("worker", settings.telemetry.log_level)
    one_thread()
    flush = tracing("worker", settings)
    try:
        uvloop.run(_Worker(settings, Database(url, socket=place.database), pepper, place).run())
    finally:
        flush()


class _Worker:
    def __init__(self, settings: Settings, database: Database, pepper: bytes, place: Inheritance) -> None:
        self._settings = settings
        self._place = place
        self._database = database
        self._clock = SharedClock(database.now)
        self._keys = KeyRing(pepper)
        self._stop = asyncio.Event()
        self._deployment: Deployment | None = None
        self._streams: Streams | None = None
        self._calls_tools = False

    async def run(self) -> None:
        """Run everything concurrently; an unexpected error ends the process, and its supervisor starts a new one."""
        await self._clock.begin()
        automations, events = load_automations(self._settings), build_events(self._settings)
        teller = features.BreachTeller(self._database, events, self._clock)
        measures = Measures(breached=teller.count)
        _watch_outbox(measures.metrics, self._database)
        watch_audits(measures.metrics, self._database)
        measures.streams.show(measures.metrics, self._clock)
        deployment = deployment_of(
            self._settings,
            self._database,
            automations,
            self._clock,
            rule=rule_of_others(self._settings),
            events=events,
            retire=lambda loaded: decider.retire(loaded),
        )
        keeper = keep_spending(
            self._settings,
            self._database,
            automations,
            clock=self._clock,
            events=events,
            watcher=measures.spending,
            cpu_seconds=cpu_seconds_of(lambda: deployment.loaded),
        )
        self._deployment = deployment
        following = Following(deployment, self._refresh_keys, decides=lambda: self._decides(deployment))
        watch_pools(measures.metrics, lambda: deployment.loaded)
        watch_feeds(measures.metrics, self._database, self._clock)
        watch_measures(measures.metrics, self._database)
        watch_monitors(measures.metrics, self._database)
        watch_changes(measures.metrics, self._database, self._clock)
        watch_trials(measures.metrics, self._database)
        measures.monitors.follow(events)
        self._calls_tools = some_tools(automations)
        await patiently(following.take_all)
        counted, traced = measures.decisions, self._settings.telemetry.otlp_endpoint is not None
        watch = LiveWatch(CommitTraces(counted) if traced else counted)
        decider = Decider(
            self._database,
            lambda: deployment.lines,
            clock=self._clock,
            controls=deployment.controls,
            watcher=watch,
            purse=Paying(keeper, gpu_us_of(automations, lambda: deployment.loaded)),
        )
        here, paying = asyncio.get_running_loop(), Paying(keeper, gpu_us_of(automations, lambda: deployment.loaded))
        desk = WorkerDesk(
            self._settings,
            self._database,
            lambda: Decider(
                self._database,
                lambda: deployment.lines,
                clock=self._clock,
                controls=deployment.controls,
                watcher=BatchesAside(here, watch),
                purse=CostsAside(here, paying),
            ),
            lambda: deployment.lines,
            clock=self._clock,
            metrics=measures.tools,
            advances=advances_of(self._settings, automations, events),
        )
        procedures = conduct(self._database, automations, self._clock, measures, desk)
        await patiently(procedures.launch)
        deliveries = build_deliveries(self._settings, self._database, self._clock, measures, events, procedures)
        self._streams = streams_of(
            self._settings,
            self._database,
            automations,
            deployment,
            clock=self._clock,
            watch=measures.streams,
            watcher=watch,
            purse=Paying(keeper, gpu_us_of(automations, lambda: deployment.loaded)),
            events=events,
        )
        intake = Intake(self._database, deployment, decider, self._clock, events)
        verifier = audit.Verifier(self._database, self._clock, self._verify)
        lookout = Lookout(self._database)
        lookout.watch(audit.OPEN_SQL, verifier.poke)
        lookout.watch(decisions.waiting_sql(), intake.poke)
        lookout.watch(outbox.waiting_sql(decisions.DELIVER_ACTION), deliveries.poke)
        chores = run_chores(self._settings, self._database, measures, events, procedures, automations)
        lookout.watch(outbox.waiting_sql(decisions.OPEN_REVIEW), lambda: chores.poke(OPEN_REVIEWS))
        lookout.watch(alerts.waiting_sql(), lambda: chores.poke(SEND_ALERTS))
        for watcher in (RolloutWatcher, ExperimentWatcher):
            lookout.watch(watcher.open_sql(), partial(chores.poke, watcher.chore))
        side = Side(self._keys, self._clock, measures.metrics, self._problems)
        port, ending, place = self._settings.worker.port, self._stop.set, self._place
        server = HttpServer(
            create_side(side),
            host="127.0.0.1",
            port=port,
            ending=ending,
            ready=place.tell_ready,
            sockets=place.sockets,
        )
        settle_memory(young=100_000)  # batches of a stream hold half of that
        reporter = report_live(
            self._database, "worker", watch, decider, deployment, measures.requests.refused, clock=self._clock
        )
        listener = asyncio.gather(
            listen(self._database, lambda noun: self._heard(following, noun)),
            following.run(),
            try_again(deployment),
            end_hand_overs(deployment, self._clock),
            reporter.run(),
            teller.run(),
            UseTeller(self._database, self._keys).run(),
            self._clock.follow(),
        )
        try:
            async with keeper, asyncio.TaskGroup() as group:
                group.create_task(server.serve())
                group.create_task(lookout.run(self._stop))
                group.create_task(deliveries.run(self._stop))
                group.create_task(intake.run(self._stop))
                group.create_task(verifier.run(self._stop))
                group.create_task(procedures.run(self._stop))
                group.create_task(run_streams(self._streams, deployment, self._stop))
                group.create_task(chores.run(self._stop))
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener
            await decider.close()
            for loaded in deployment.loaded:
                await loaded.close()
            await deliveries.close()
            self._database.close()
            log.info("worker.ended")

    async def _heard(self, following: Following, noun: str) -> None:
        await following.heard(noun)
        if self._streams is not None and noun in ("streams", "*"):
            self._streams.poke()

    def _verify(self, tx: Tx, anchor: bytes | None, progress: Callable[[int], None]) -> Report:
        return verify_log(tx, self._settings, anchor=anchor, progress=progress)

    def _refresh_keys(self) -> None:
        with self._database.begin() as tx:
            self._keys.refresh(tx, self._clock.now())

    def _decides(self, deployment: Deployment) -> bool:
        """Return whether anything was or will be decided here; otherwise, the worker loads no model."""
        some_streams = self._streams is not None and self._streams.some
        return bool(deployment.lines) or self._calls_tools or some_streams

    def _problems(self) -> Mapping[str, str]:
        try:
            current = migrations.is_current(self._database)
        except DatabaseUnavailable:
            return {"database": "PostgreSQL does not answer"}
        problems = {} if current else {"migrations": "the schema does not match this version; run `andon up`"}
        return problems | unreleased(self._deployment)


def _watch_outbox(metrics: Metrics, database: Database) -> None:
    def depth(topic: str) -> float:
        with database.begin() as tx:
            return sum(outbox.count_by_scope(tx, topic, MessageState.PENDING).values())

    metrics.gauge_of(
        "andon_deliveries_pending", "Actions waiting to be delivered.", lambda: depth(decisions.DELIVER_ACTION)
    )
    metrics.gauge_of("andon_reviews_unopened", "Reviews waiting to be opened.", lambda: depth(decisions.OPEN_REVIEW))
