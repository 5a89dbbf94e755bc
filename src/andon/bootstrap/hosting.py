"""The hosting of a model's versions in this installation: `[endpoints.MODEL]` of the settings."""

from pathlib import Path

from andon import serving
from andon.bootstrap.gpus import gpus_here
from andon.kernel.config import Settings
from andon.models import ModelVersion
from andon.serving import Hosting, LoadedVersion


def hosting_of(settings: Settings, model: str) -> Hosting:
    """Return the hosting of a model's versions: by `[endpoints.MODEL]`, or the default."""
    environments = settings.data / "environments"
    given = settings.endpoints.get(model)
    if given is None:
        return Hosting(environments=environments, gpus_of=gpus_here())
    return Hosting(
        environments=environments,
        gpus_of=gpus_here(),
        secret=given.bearer(),
        **given.model_dump(exclude={"secret_env"}),
    )


def load_hosted(settings: Settings, version: ModelVersion, folder: Path) -> LoadedVersion:
    """Load a fetched package with the settings. Raises EndpointUnavailable, EnvironmentInvalid."""
    return serving.load(version, folder, hosting_of(settings, version.name))
