"""What a process of an installation is started with, read from the folder it runs in."""

from pathlib import Path

from andon import access
from andon.kernel import config
from andon.kernel.config import Settings


def settings_here() -> Settings:
    """The settings of the project in the current folder."""
    return config.load(Path.cwd())


def pepper_of(settings: Settings) -> bytes:
    """The installation's secret for API keys: as the settings give it, or made on first use."""
    given = settings.access.pepper
    return access.load_or_create_pepper(settings.data / "pepper", given.get_secret_value() if given else None)


def process_parts() -> tuple[Settings, str, bytes]:
    """Settings, the url of the database (which the process does not start), the pepper. Raises SettingsInvalid, NotRunning."""
    settings = settings_here()
    return settings, _url_of(settings), pepper_of(settings)


def _url_of(settings: Settings) -> str:
    """Where the database is. What runs the embedded one is loaded only to look for it: a process that is told does without."""
    if settings.database.url is not None:
        return settings.database.url.get_secret_value()
    from andon.kernel import postgres

    return postgres.url_of(settings)
