"""Versions loaded outside a deployment: to replay or explain decisions, for a plan, or for cases."""

from pathlib import Path

from andon import models
from andon.bootstrap.hosting import load_hosted
from andon.bootstrap.project import build_events
from andon.bootstrap.trials import VersionTrials
from andon.kernel.clock import SharedClock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.models import ModelVersion
from andon.serving import LoadedVersion


def load_version(settings: Settings, database: Database, version: ModelVersion) -> LoadedVersion:
    """Load a registered version, trying it first, as in a gateway.

    Raises VersionHeld, EndpointUnavailable, EnvironmentInvalid.
    """
    return load_hosted(settings, version, fetch_tried(settings, database, version))


def fetch_tried(settings: Settings, database: Database, version: ModelVersion) -> Path:
    """Return the folder of a registered version, trying it first. Raises what `load_version` raises."""
    VersionTrials(settings, database, SharedClock(database.now), build_events(settings)).attempt(version)
    with database.begin() as tx:
        return models.fetch(tx, version, settings.data / "models")
