"""The trials of versions, and the quarantine of those that ended a process: such a version answers nothing.

The platform itself imposes it; a person lifts it with a reason.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from andon import audit
from andon.kernel import reasons
from andon.kernel.db import Tx, announce
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor
from andon.models import store
from andon.models.domain import ModelTrial, ModelVersion, Quarantine
from andon.models.errors import NotQuarantined, VersionHeld
from andon.models.published import QuarantineLifted, VersionQuarantined
from andon.models.vouched import QUARANTINES

P = ParamSpec("P")
R = TypeVar("R")


class TrialNeeded(Exception):
    """A transaction needs a version that was not tried here yet: it is tried outside of it, and the work begins again.

    `folder` holds the package if the transaction registers it, and the registry does not have it before.
    """

    def __init__(self, version: ModelVersion, folder: Path | None = None) -> None:
        super().__init__(f"Version {version.number} of {version.name} was not tried here yet")
        self.version, self.folder = version, folder


class Trials(Protocol):
    """The trials of versions in a process of their own, before they may answer here."""

    def require(self, tx: Tx, version: ModelVersion) -> None:
        """Require that a version passed its trial. Raises TrialNeeded and VersionHeld."""

    def attempt(self, version: ModelVersion) -> None:
        """Try a version; never within a transaction. Raises VersionHeld, and why it cannot be loaded."""


def tried_first(door: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a route begin again after each trial that its transaction needs.

    `door` names the argument that has the `trials`.
    """

    def decorate(route: Callable[P, R]) -> Callable[P, R]:
        @wraps(route)
        def answer(*args: P.args, **kwargs: P.kwargs) -> R:
            while True:
                try:
                    return route(*args, **kwargs)
                except TrialNeeded as needed:
                    cast("Any", kwargs[door]).trials.attempt(needed.version)

        return answer

    return decorate


def hold_back(tx: Tx, version: ModelVersion, reason: str, *, events: Events, now: datetime) -> Quarantine:
    """Put a version into quarantine, unless it is there already. Running gateways follow within a second."""
    store.lock(tx, version.name)
    before = store.newest_quarantine(tx, version.name, version.number)
    if before is not None and before.held:
        return before
    held = _next(version.name, version.number, before, PLATFORM, reason, now, held=True)
    events.publish(tx, VersionQuarantined(version.name, version.number, version.digest, reason, at=now))
    _write(tx, held, "model.quarantine", PLATFORM)
    return held


def release_held(
    tx: Tx, version: ModelVersion, *, actor: Actor, reason: str, events: Events, now: datetime
) -> Quarantine:
    """Let a version answer again, once it has passed a new trial. Raises NotQuarantined, ReasonInvalid."""
    why = reasons.require(reason)
    store.lock(tx, version.name)
    before = store.newest_quarantine(tx, version.name, version.number)
    if before is None or not before.held:
        raise NotQuarantined(f"Version {version.number} of {version.name} is not in quarantine")
    released = _next(version.name, version.number, before, actor, why, now, held=False)
    store.forget_trials(tx, version.digest)
    events.publish(tx, QuarantineLifted(version.name, version.number, actor.name, why, at=now))
    _write(tx, released, "model.release", actor)
    return released


def require_free(tx: Tx, version: ModelVersion) -> None:
    """Raise VersionHeld if a version is in quarantine."""
    held = store.newest_quarantine(tx, version.name, version.number)
    if held is not None and held.held:
        raise VersionHeld(
            f"Version {version.number} of {version.name} is in quarantine: {held.reason}. "
            f'`andon models release {version.name} {version.number} --reason "..."` releases it'
        )


def held_versions(tx: Tx, name: str) -> Mapping[int, Quarantine]:
    """Return the versions of a model that are in quarantine, by number."""
    return {one.number: one for one in store.quarantines_of(tx, name) if one.held}


def find_trial(tx: Tx, digest: str, tried_with: str) -> ModelTrial | None:
    """Return how a package's trial with these versions of Andon and its library ended; None if there was none."""
    return store.find_trial(tx, digest, tried_with)


def note_trial(tx: Tx, trial: ModelTrial) -> None:
    """Record how a trial ended, so that no other process tries the package again."""
    store.put_trial(tx, trial)


def _next(
    name: str, number: int, before: Quarantine | None, actor: Actor, reason: str, now: datetime, *, held: bool
) -> Quarantine:
    return Quarantine(name, number, 1 if before is None else before.revision + 1, held, actor.name, reason, now)


def _write(tx: Tx, made: Quarantine, action: str, actor: Actor) -> None:
    store.add_quarantine(tx, made)
    audit.record(
        tx,
        actor=actor,
        action=action,
        subject=f"model:{made.name}",
        at=made.set_at,
        reason=made.reason,
        before={"number": made.number, "quarantined": not made.held},
        after={"number": made.number, "quarantined": made.held},
        rows=[QUARANTINES.row(made.name, made.number, made.revision)],
    )
    announce(tx, "models")
