"""Watched automations, each with its monitors as the released version declares them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog

from andon import decisions
from andon.authoring import Monitors, Truth, Window, span_of
from andon.kernel.db import Tx, is_of_database
from andon.monitors.references import References

_DEFAULT = Monitors()

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WatchedAutomation:
    """One automation and the settings of its monitors."""

    name: str
    monitors: Monitors
    target: float | None = None
    """The error that its risk gate holds, if it declares one."""
    fills: Mapping[str, timedelta] = field(default_factory=dict)
    """The features that are windows, with their spans: until a span has passed, they differ from training."""
    subject: str | None = None
    """The field that says whose decision it is."""

    @property
    def latency_us(self) -> float:
        """The latency of its service level in microseconds."""
        return self.monitors.service.latency / timedelta(microseconds=1)

    def full_at(self, name: str | None, began: datetime) -> datetime:
        """Return when a feature of a line that began at a moment becomes comparable.

        The score (None) does so after the longest window.
        """
        longest = max(self.fills.values(), default=timedelta(0))
        return began + (longest if name is None else self.fills.get(name, timedelta(0)))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields whose groups are compared."""
        return tuple(one.field for one in self.monitors.fairness)


class Watching:
    """Automations and references known to one process; declarations are read again after `ttl` seconds."""

    def __init__(self, ttl: float = 15.0) -> None:
        self.references = References()
        self._ttl = ttl
        self._until = 0.0
        self._known: Mapping[str, WatchedAutomation] = {}

    def all(self, tx: Tx) -> Mapping[str, WatchedAutomation]:
        """Return every automation that was deployed, by name."""
        if monotonic() >= self._until:
            self._known = {one.name: one for one in _read(tx)}
            self._until = monotonic() + self._ttl
        return self._known

    def one(self, tx: Tx, name: str) -> WatchedAutomation:
        """Return one automation; an unknown one is watched by default."""
        return self.all(tx).get(name) or WatchedAutomation(name, _DEFAULT)


@contextmanager
def apart(tx: Tx, automation: str, part: str) -> Iterator[None]:
    """Do the work of one automation in a savepoint: an error in it is logged, and stops no other automation."""
    try:
        with tx.begin_nested():
            yield
    except Exception as error:
        if is_of_database(error):
            raise
        log.exception("monitors.left_out", automation=automation, part=part)


def watched(tx: Tx, name: str) -> WatchedAutomation:
    """Return one automation as its released version declares it. Raises AutomationNotFound."""
    newest = decisions.newest_version(tx, name)
    release = decisions.released(tx, name)
    if release is not None and release.version != newest.number:
        newest = decisions.version(tx, name, release.version)
    return _watched(name, newest.description)


def truth_of(tx: Tx, name: str) -> Truth | None:
    """Return the truth of an automation; None if it has none, or was never deployed."""
    return decisions.truth_of(tx, name)


def _read(tx: Tx) -> list[WatchedAutomation]:
    found = []
    for newest in decisions.newest_versions(tx):
        release = decisions.released(tx, newest.name)
        in_force = newest
        if release is not None and release.version != newest.number:
            in_force = decisions.version(tx, newest.name, release.version)
        found.append(_watched(newest.name, in_force.description))
    return found


def _watched(name: str, description: Mapping[str, Any]) -> WatchedAutomation:
    kept, risk = description.get("monitors"), description.get("risk") or {}
    monitors = _DEFAULT if kept is None else Monitors.from_description(kept)
    return WatchedAutomation(name, monitors, risk.get("target"), _fills(description), description.get("subject"))


def _fills(description: Mapping[str, Any]) -> dict[str, timedelta]:
    """Return the spans of a version's windows by the names of their features."""
    found = {}
    for one in description["features"]:
        if "window" in one:
            window = Window(one["window"], one["by"], tuple(one["over"]), tuple(one["aggregates"]), one.get("name", ""))
            found.update({name: span_of(span) for name, span, _ in window.named})
    return found
