"""Alerts of one installation: their routes, set by `[alerts.NAME]`, and the bad news of slices above alerts."""

from collections.abc import Iterator, Mapping
from functools import partial

from andon import alerts, streams
from andon.actions import Kind
from andon.alerts import Alert, AlertRoute, BadNews
from andon.bootstrap.connecting import destination_of, wrong_options
from andon.kernel import config
from andon.kernel.config import AlertSettings, Settings, SettingsInvalid
from andon.kernel.db import Tx
from andon.kernel.errors import Fault, Invalid
from andon.kernel.events import Events
from andon.monitors import Level
from andon.streams import EventsDied

EVENTS = "events"
"""The name under which dead events become alerts."""

ALERTMANAGER = "alertmanager"
_BY_API = {"path": "/api/v2/alerts", "body": "{alerts}"}
"""Options of the http connector for Alertmanager's API."""


def subscribe_alerts(events: Events) -> None:
    """Turn bad news into alerts from now on."""
    alerts.subscribe(events)
    events.subscribe(EventsDied, partial(_events_died, events))


def has_dead_events(tx: Tx, alert: Alert) -> bool:
    """Return whether events of the alert's stream still wait for a person."""
    waiting = streams.count_dead(tx, [alert.automation])
    return any(key.stream == alert.series and count > 0 for key, count in waiting.items())


def console_url(settings: Settings) -> str:
    """Return the console's address for links, without a trailing slash."""
    given = settings.console
    return (given.url or f"http://{given.host}:{given.port}").rstrip("/")


def alert_routes(settings: Settings, kinds: Mapping[str, Kind]) -> list[AlertRoute]:
    """Return the routes of the settings. Raises SettingsInvalid, which names each fault."""
    if faults := check_alert_routes(settings, kinds):
        named = "; ".join(f"{fault.where}: {fault.message}" for fault in faults)
        raise SettingsInvalid(f"{settings.root / config.FILE_NAME}: {named}", faults=faults)
    return [_route(name, given) for name, given in settings.alerts.items()]


def check_alert_routes(settings: Settings, kinds: Mapping[str, Kind]) -> list[Fault]:
    """Return the faults of `[alerts.NAME]`."""
    return [
        Fault(f"[alerts.{name}]", message)
        for name, given in settings.alerts.items()
        for message in _wrong(given, settings, kinds)
    ]


def _route(name: str, given: AlertSettings) -> AlertRoute:
    manager = given.connector == ALERTMANAGER
    return AlertRoute(
        name,
        Level(given.level),
        given.destination,
        "http" if manager else given.connector,
        _BY_API if manager else given.options,
        alertmanager=manager,
        drills=given.drills,
    )


def _wrong(given: AlertSettings, settings: Settings, kinds: Mapping[str, Kind]) -> Iterator[str]:
    route = _route("", given)
    destination = settings.destinations.get(given.destination)
    if destination is None:
        there = ", ".join(sorted(settings.destinations)) or "none"
        yield f"unknown destination {given.destination!r}; there are {there}: add [destinations.{given.destination}]"
    if route.connector not in kinds:
        yield f"unknown connector {given.connector!r}; expected one of {ALERTMANAGER}, {', '.join(kinds)}"
        return
    try:
        kind = kinds[route.connector]
        if destination is not None:
            destination_of(given.destination, destination, kinds)
    except Invalid as error:
        yield str(error)
        return
    if destination is not None and kind.needs_url and destination.url is None and destination.url_env is None:
        yield f"it needs a url under [destinations.{given.destination}]"
    if destination is not None and route.alertmanager and destination.repeat != "idempotent":
        yield f'Alertmanager ignores a repeat: set repeat = "idempotent" under [destinations.{given.destination}]'
    if route.alertmanager and given.options:
        yield f"connector {ALERTMANAGER!r} takes no options"
    yield from wrong_options(route.connector, route.options, kinds, settings.root)


def _events_died(events: Events, tx: Tx, died: EventsDied) -> None:
    what = "event" if died.count == 1 else "events"
    news = BadNews(
        automation=died.automation,
        monitor=EVENTS,
        series=died.stream,
        segment={},
        level=Level.WARNING,
        since=died.at,
        message=f"{died.count} {what} of {died.stream} could not be decided",
        observed=float(died.count),
        unit="events",
        detail={"events": [str(one) for one in died.ids]},
    )
    alerts.raise_alert(tx, news, events=events, now=died.at)
