"""A worker process: deliveries, reviews to open, the intake, the seal of the audit log, housekeeping."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

import structlog
import uvloop

from andon import audit, decisions, features, migrations, reviews, streams
from andon.access import KeyRing, UseTeller
from andon.bootstrap.delivering import build_deliveries
from andon.bootstrap.deploying import deployment_of, rule_of_others, unreleased
from andon.bootstrap.inheritance import ALONE, Inheritance
from andon.bootstrap.live import report_live
from andon.bootstrap.memory import settle_memory
from andon.bootstrap.observers import CommitTraces, DecisionMetrics
from andon.bootstrap.pools import watch_pools
from andon.bootstrap.procedures import conduct
from andon.bootstrap.project import build_events, load_automations
from andon.bootstrap.retrying import end_hand_overs, try_again
from andon.bootstrap.serving import Server, tracing
from andon.bootstrap.spending import Paying, cpu_seconds_of, gpu_us_of, keep_spending
from andon.bootstrap.streams import run_streams, streams_of
from andon.bootstrap.threads import one_thread
from andon.decisions import Decider, Deployment
from andon.gateway import Side, create_side
from andon.kernel import outbox
from andon.kernel.clock import SharedClock
from andon.kernel.config import Settings
from andon.kernel.db import Database, DatabaseUnavailable, Tx
from andon.kernel.errors import Unavailable
from andon.kernel.listening import listen
from andon.kernel.logs import configure_logs
from andon.kernel.lookout import REST_SECONDS, Lookout, first_of
from andon.kernel.metrics import Metrics
from andon.kernel.outbox import State
from andon.kernel.patience import patiently
from andon.live import LiveWatch
from andon.streams import Intake, Streams

log = structlog.get_logger(__name__)

HOUSEKEEPING = timedelta(minutes=10)
REVIEWS_REST = timedelta(seconds=REST_SECONDS)


def serve_worker(settings: Settings, url: str, pepper: bytes, place: Inheritance = ALONE) -> None:
    """Run a worker until it is told to end; returns when what it had begun is finished or given back."""
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
        self._metrics = Metrics()
        self._keys = KeyRing(pepper)
        self._stop = asyncio.Event()
        self._reviews_asked = asyncio.Event()
        self._deployment: Deployment | None = None
        self._streams: Streams | None = None
        self._watch_outbox()

    async def run(self) -> None:
        """Everything side by side; the first unforeseen error ends the process, and its supervisor starts a new one."""
        await self._clock.begin()
        automations, events = load_automations(self._settings), build_events()
        teller = features.BreachTeller(self._database, events, self._clock)
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
            metrics=self._metrics,
            cpu_seconds=cpu_seconds_of(lambda: deployment.loaded),
        )
        self._deployment = deployment
        watch_pools(self._metrics, lambda: deployment.loaded)
        await patiently(lambda: self._heard("*"))
        procedures = conduct(self._database, automations, self._clock, self._metrics)
        await patiently(procedures.launch)
        deliveries = build_deliveries(self._settings, self._database, self._clock, self._metrics, procedures)
        counted = DecisionMetrics(self._metrics, breached=teller.count)
        watch = LiveWatch(CommitTraces(counted) if self._settings.telemetry.otlp_endpoint else counted)
        decider = Decider(
            self._database,
            lambda: deployment.lines,
            clock=self._clock,
            watcher=watch,
            purse=Paying(keeper, gpu_us_of(automations, lambda: deployment.loaded)),
        )
        self._streams = streams_of(
            self._settings,
            self._database,
            automations,
            deployment,
            clock=self._clock,
            metrics=self._metrics,
            watcher=watch,
            purse=Paying(keeper, gpu_us_of(automations, lambda: deployment.loaded)),
        )
        intake = Intake(self._database, deployment, decider, self._clock)
        lookout = Lookout(self._database)
        lookout.watch(decisions.waiting_sql(), intake.poke)
        lookout.watch(outbox.waiting_sql(decisions.DELIVER_ACTION), deliveries.poke)
        lookout.watch(outbox.waiting_sql(decisions.OPEN_REVIEW), self._reviews_asked.set)
        side = Side(self._keys, self._clock, self._metrics, self._problems)
        port, ending, place = self._settings.worker.port, self._stop.set, self._place
        server = Server(create_side(side), host="127.0.0.1", port=port, ending=ending, place=place)
        settle_memory(young=100_000)  # batches of a stream hold half of that
        reporter = report_live(self._database, "worker", watch, decider, deployment, self._metrics, clock=self._clock)
        listener = asyncio.gather(
            listen(self._database, self._heard),
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
                group.create_task(procedures.run(self._stop))
                group.create_task(run_streams(self._streams, deployment, self._stop))
                group.create_task(self._again_and_again(self._open_reviews, REVIEWS_REST, self._reviews_asked))
                group.create_task(
                    self._again_and_again(self._seal, timedelta(seconds=self._settings.worker.seal_seconds))
                )
                group.create_task(self._again_and_again(self._plan_days, HOUSEKEEPING))
                group.create_task(self._again_and_again(self._keep_house, HOUSEKEEPING))
                for chore, pause in procedures.chores:
                    group.create_task(self._again_and_again(chore, pause))
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

    async def _again_and_again(
        self, work: Callable[[Tx], int], pause: timedelta, wake: asyncio.Event | None = None
    ) -> None:
        """Do `work` in one transaction until it has nothing more to do, then pause, or until `wake`; through outages of the database.

        What fails is tried again after the pause, and keeps nothing else in this process from its work.
        """
        failed = self._metrics.chores_failed.labels(work.__name__.strip("_"))
        wake = wake or asyncio.Event()
        while not self._stop.is_set():
            wake.clear()
            try:
                more = await asyncio.to_thread(self._in_transaction, work)
            except Unavailable as error:
                log.warning("worker.interrupted", work=work.__name__, error=str(error))
                more = 0
            except Exception:
                log.exception("worker.chore_failed", work=work.__name__)
                failed.inc()
                more = 0
            if not more:
                await first_of(self._stop, wake, within=pause.total_seconds())

    def _in_transaction(self, work: Callable[[Tx], int]) -> int:
        with self._database.begin() as tx:
            return work(tx)

    def _open_reviews(self, tx: Tx) -> bool:
        """Open what is asked for; at once again only if there may be more, since a transaction for each handful costs a stream its pace."""
        opened = reviews.open_due(tx, now=self._clock.now())
        self._metrics.reviews_opened.inc(opened)
        return opened == reviews.OPENED_AT_ONCE

    def _seal(self, tx: Tx) -> bool:
        if audit.seal(tx, self._clock.now()) is not None:
            self._metrics.sealed.inc()
        return False

    def _plan_days(self, tx: Tx) -> bool:
        decisions.plan_days(tx, self._database.now())
        return False

    def _keep_house(self, tx: Tx) -> bool:
        now = self._database.now()  # what is deleted is gone: a process whose clock has jumped must not say what is old
        decisions.keep_house(tx, now, failed_kept=timedelta(seconds=self._settings.gateway.results_seconds))
        streams.keep_house(tx, now)
        features.forget_breaches(tx, now)
        return features.prune(tx, now) == features.PRUNED_AT_ONCE

    async def _heard(self, noun: str) -> None:
        await asyncio.to_thread(self._follow, noun)
        if self._streams is not None and noun in ("streams", "*"):
            self._streams.poke()

    def _follow(self, noun: str) -> None:
        if noun in ("keys", "*"):
            with self._database.begin() as tx:
                self._keys.refresh(tx, self._clock.now())
        deciding = self._deployment is not None and (
            self._deployment.lines or (self._streams is not None and self._streams.some)
        )
        if self._deployment is not None and deciding and noun in ("models", "automations", "*"):
            self._deployment.refresh()

    def _problems(self) -> Mapping[str, str]:
        try:
            current = migrations.is_current(self._database)
        except DatabaseUnavailable:
            return {"database": f"no answer from {self._database.shown}"}
        problems = {} if current else {"migrations": "the schema is not the one this version expects; run `andon up`"}
        return problems | unreleased(self._deployment)

    def _watch_outbox(self) -> None:
        def depth(topic: str) -> float:
            with self._database.begin() as tx:
                return sum(outbox.count_by_scope(tx, topic, State.PENDING).values())

        self._metrics.gauge_of(
            "andon_deliveries_pending", "Actions that wait to be delivered.", lambda: depth(decisions.DELIVER_ACTION)
        )
        self._metrics.gauge_of(
            "andon_reviews_unopened", "Reviews that wait to be opened.", lambda: depth(decisions.OPEN_REVIEW)
        )
