"""The delivery loop of a worker: its connectors, destinations and metrics."""

from collections.abc import Callable, Mapping

from andon.actions import DatabaseEvidence, Deliveries, Surroundings, waiting_retries
from andon.bootstrap.brokers import Clients
from andon.bootstrap.connecting import Connected, Kinds, destinations
from andon.bootstrap.measures import Measures
from andon.bootstrap.procedures import Procedures
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.metrics import Metrics, Readings


def build_deliveries(
    settings: Settings,
    database: Database,
    clock: Clock,
    measures: Measures,
    events: Events,
    procedures: Procedures | None = None,
) -> Deliveries:
    """Return the loop that carries out actions. Raises SettingsInvalid, ConnectorUnusable."""
    kinds, started = Kinds(settings.root), procedures or Procedures()
    surroundings = Surroundings(clock, settings.root, Clients(settings), started.conductor, DatabaseEvidence(database))
    deliveries = Deliveries(
        database,
        Connected(kinds, surroundings),
        {**destinations(settings, kinds), **started.destinations},
        clock,
        events=events,
        observer=measures.deliveries,
    )
    _watch(measures.metrics, deliveries, database)
    return deliveries


def _watch(metrics: Metrics, deliveries: Deliveries, database: Database) -> None:
    def by_destination(read: Callable[[], Mapping[str, int]]) -> Callable[[], Readings]:
        return lambda: [((name,), value) for name, value in read().items()]

    def breakers() -> Mapping[str, int]:
        return {name: state.value != "closed" for name, state in deliveries.breakers().items()}

    def retries() -> Mapping[str, int]:
        with database.begin() as tx:
            return waiting_retries(tx)

    metrics.gauges_of(
        "andon_deliveries_in_flight",
        "Deliveries under way.",
        by_destination(deliveries.sending),
        labels=("destination",),
    )
    metrics.gauges_of(
        "andon_retry_budget_remaining",
        "Retries that the budget of a destination allows now.",
        by_destination(deliveries.retries_left),
        labels=("destination",),
    )
    metrics.gauges_of(
        "andon_destination_breaker_open",
        "1 while a destination gets nothing, or one trial delivery, else 0.",
        by_destination(breakers),
        labels=("destination",),
    )
    metrics.gauges_of(
        "andon_retries_pending",
        "Actions that failed and wait to be tried again.",
        by_destination(retries),
        labels=("destination",),
    )
