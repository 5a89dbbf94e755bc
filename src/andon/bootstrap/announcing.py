"""Routes of events, set by `[events.NAME]`; invalid ones are refused at the start."""

from collections.abc import Iterator, Mapping

from andon.actions import EventRoute, Kind, matches
from andon.bootstrap.catalogue import CATALOGUE
from andon.bootstrap.connecting import destination_of, wrong_options
from andon.kernel import config
from andon.kernel.config import EventSettings, Settings, SettingsInvalid
from andon.kernel.errors import Fault, Invalid


def event_routes(settings: Settings, kinds: Mapping[str, Kind]) -> list[EventRoute]:
    """Return the routes of the settings. Raises SettingsInvalid, which names each fault."""
    if faults := check_event_routes(settings, kinds):
        named = "; ".join(f"{fault.where}: {fault.message}" for fault in faults)
        raise SettingsInvalid(f"{settings.root / config.FILE_NAME}: {named}", faults=faults)
    return [
        EventRoute(given.types, given.destination, given.connector, given.options) for given in settings.events.values()
    ]


def check_event_routes(settings: Settings, kinds: Mapping[str, Kind]) -> list[Fault]:
    """Return the faults of `[events.NAME]`."""
    return [
        Fault(f"[events.{name}]", message)
        for name, given in settings.events.items()
        for message in _wrong(given, settings, kinds)
    ]


def _wrong(given: EventSettings, settings: Settings, kinds: Mapping[str, Kind]) -> Iterator[str]:
    known = sorted(kind.type for kind in CATALOGUE)
    for pattern in given.types:
        if not any(matches(pattern, event) for event in known):
            yield f"unknown event {pattern!r}; expected one of {', '.join(known)}"
    destination = settings.destinations.get(given.destination)
    if destination is None:
        there = ", ".join(sorted(settings.destinations)) or "none"
        yield f"unknown destination {given.destination!r}; there are {there}: add [destinations.{given.destination}]"
    if given.connector not in kinds:
        yield f"unknown connector {given.connector!r}; expected one of {', '.join(kinds)}"
        return
    try:
        kind = kinds[given.connector]
        if destination is not None:
            destination_of(given.destination, destination, kinds)
    except Invalid as error:
        yield str(error)
        return
    if not kind.sends_events:
        yield f"connector {given.connector!r} sends no events; webhook, kafka and nats do"
    if destination is not None and kind.needs_url and destination.url is None and destination.url_env is None:
        yield f"it needs a url under [destinations.{given.destination}]"
    yield from wrong_options(given.connector, given.options, kinds, settings.root)
