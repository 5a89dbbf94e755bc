"""Trials of model versions: each is tried once in a process of its own before this installation loads it."""

from collections.abc import Callable
from pathlib import Path

import structlog

from andon import models, serving
from andon.bootstrap.hosting import hosting_of, load_hosted
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database, Tx
from andon.kernel.events import Events
from andon.models import ModelTrial, ModelVersion, PackageInvalid, Runtime, VersionHeld
from andon.serving import EndpointUnavailable, LoadedVersion, TrialEnd

log = structlog.get_logger(__name__)

Load = Callable[[ModelVersion, Path], LoadedVersion]
Trial = Callable[[ModelVersion], None]


def trying(settings: Settings, database: Database, clock: Clock, events: Events) -> Trial:
    """Return a function that tries registered versions, unless the database knows the result.

    It raises VersionHeld for a version that is or gets quarantined, EndpointUnavailable and EnvironmentInvalid.
    """

    def attempt(version: ModelVersion) -> None:
        if version.manifest.runtime is Runtime.NONE:
            return
        with database.begin() as tx:
            models.require_free(tx, version)
            hosting = hosting_of(settings, version.name)
            known = models.find_trial(tx, version.digest, serving.tried_with(version.manifest, hosting))
            if known is not None and known.passed:
                return
            folder = models.fetch(tx, version, settings.data / "models")
        found = _tried(settings, version, folder)
        with database.begin() as tx:
            models.note_trial(tx, found)
            if not found.passed:
                models.hold_back(tx, version, found.detail, events=events, now=clock.now())
        if not found.passed:
            log.error("model.quarantined", model=version.name, version=version.number, reason=found.detail)
            raise VersionHeld(f"Version {version.number} of {version.name} is now in quarantine: {found.detail}")

    return attempt


def loading(settings: Settings, database: Database, clock: Clock, events: Events) -> Load:
    """Return a function that loads registered versions, trying them first. It raises what `trying` raises."""
    attempt = trying(settings, database, clock, events)

    def load(version: ModelVersion, folder: Path) -> LoadedVersion:
        attempt(version)
        return load_hosted(settings, version, folder)

    return load


def register_tried(tx: Tx, settings: Settings, version: ModelVersion, folder: Path) -> LoadedVersion:
    """Try and load a version that this transaction registers or lets answer.

    Raises PackageInvalid and EndpointUnavailable.
    """
    with_what = serving.tried_with(version.manifest, hosting_of(settings, version.name))
    known = models.find_trial(tx, version.digest, with_what)
    if known is None or not known.passed:
        known = _tried(settings, version, folder)
        models.note_trial(tx, known)
    if not known.passed:
        raise PackageInvalid(f"Model {version.name} {version.number} cannot be used: {known.detail}")
    return load_hosted(settings, version, folder)


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
