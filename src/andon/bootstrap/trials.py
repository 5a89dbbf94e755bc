"""Trials of model versions: each is tried once in a process of its own before this installation loads it.

A trial takes seconds, an environment minutes, so none runs within a transaction: it is claimed by a lock of its own,
tried, and its result recorded in a short transaction. A transaction that needs a result that is not there raises
TrialNeeded, and is begun again after the trial.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import structlog

from andon import models, serving
from andon.bootstrap.hosting import hosting_of, load_hosted
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database, Tx
from andon.kernel.events import Events
from andon.models import ModelTrial, ModelVersion, PackageInvalid, Runtime, TrialNeeded, VersionHeld
from andon.serving import EndpointUnavailable, LoadedVersion, TrialEnd

log = structlog.get_logger(__name__)

Load = Callable[[ModelVersion, Path], LoadedVersion]
T = TypeVar("T")


class VersionTrials:
    """The trials of registered versions, by what this installation loads them with."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, events: Events) -> None:
        self._settings, self._database, self._clock, self._events = settings, database, clock, events

    def require(self, tx: Tx, version: ModelVersion) -> None:
        """Require that a version passed its trial. Raises TrialNeeded and VersionHeld."""
        models.require_free(tx, version)
        if not _passed(tx, self._settings, version):
            raise TrialNeeded(version)

    def attempt(self, version: ModelVersion) -> None:
        """Try a version, unless the database knows that it passed. Call this outside of transactions.

        Raises VersionHeld for a version that is or gets quarantined, EndpointUnavailable and EnvironmentInvalid.
        """
        if self._is_known(version):
            return
        with _claimed(self._settings, self._database, version):
            if self._is_known(version):
                return
            with self._database.begin() as tx:
                folder = models.fetch(tx, version, self._settings.data / "models")
            found = _tried(self._settings, version, folder)
            with self._database.begin() as tx:
                models.note_trial(tx, found)
                if not found.passed:
                    models.hold_back(tx, version, found.detail, events=self._events, now=self._clock.now())
        if not found.passed:
            log.error("model.quarantined", model=version.name, version=version.number, reason=found.detail)
            raise VersionHeld(f"Version {version.number} of {version.name} is now in quarantine: {found.detail}")

    def _is_known(self, version: ModelVersion) -> bool:
        with self._database.begin() as tx:
            models.require_free(tx, version)
            return _passed(tx, self._settings, version)


def loading(settings: Settings, database: Database, clock: Clock, events: Events) -> Load:
    """Return a function that loads registered versions, trying them first. It raises what a trial raises."""
    trials = VersionTrials(settings, database, clock, events)

    def load(version: ModelVersion, folder: Path) -> LoadedVersion:
        trials.attempt(version)
        return load_hosted(settings, version, folder)

    return load


def require_tried(tx: Tx, settings: Settings, version: ModelVersion) -> None:
    """Require that a version that this transaction registers or lets answer passed its trial. Raises TrialNeeded."""
    if not _passed(tx, settings, version):
        raise TrialNeeded(version, models.fetch(tx, version, settings.data / "models"))


def once_tried(settings: Settings, database: Database, work: Callable[[Tx], T]) -> T:
    """Run work of a person's command in a transaction, again from its beginning after each trial that it needs.

    Raises PackageInvalid and EndpointUnavailable for a version that cannot be loaded here; it is not quarantined.
    """
    while True:
        try:
            with database.begin() as tx:
                return work(tx)
        except TrialNeeded as needed:
            version, folder = needed.version, needed.folder
        assert folder is not None  # noqa: S101 - by `require_tried`
        with _claimed(settings, database, version):
            found = _tried(settings, version, folder)
            if not found.passed:
                raise PackageInvalid(f"Model {version.name} {version.number} cannot be used: {found.detail}")
            load_hosted(settings, version, folder)
            with database.begin() as tx:
                models.note_trial(tx, found)


@contextmanager
def _claimed(settings: Settings, database: Database, version: ModelVersion) -> Iterator[None]:
    """Let one process at a time try a package; another waits as long as a trial may take, then tries it itself."""
    within = hosting_of(settings, version.name).start_seconds
    with database.alone(f"trial of {version.digest}", within=within):
        yield


def _passed(tx: Tx, settings: Settings, version: ModelVersion) -> bool:
    """Return whether a version passed its trial here; one without a model has none."""
    if version.manifest.runtime is Runtime.NONE:
        return True
    hosting = hosting_of(settings, version.name)
    known = models.find_trial(tx, version.digest, serving.tried_with(version.manifest, hosting))
    return known is not None and known.passed


def _tried(settings: Settings, version: ModelVersion, folder: Path) -> ModelTrial:
    """Try a version. Raises EndpointUnavailable for one that is refused or needs too much."""
    hosting = hosting_of(settings, version.name)
    result = serving.try_version(version, folder, hosting)
    if result.end is TrialEnd.LIMIT:
        raise EndpointUnavailable(f"Model {version.name} {version.number} cannot be loaded: {result.detail}")
    if result.end is TrialEnd.REFUSED:
        raise EndpointUnavailable(result.detail)
    passed = result.end is not TrialEnd.KILLED
    return ModelTrial(version.digest, serving.tried_with(version.manifest, hosting), passed, result.detail)
