"""The configuration of a process, read from the folder it runs in."""

from pathlib import Path

from andon import access
from andon.kernel import config
from andon.kernel.config import Settings


def settings_here() -> Settings:
    """Return the settings of the project in the current folder."""
    return config.load(Path.cwd())


def pepper_of(settings: Settings) -> bytes:
    """Return the installation's secret for API keys: from the settings, or made on first use."""
    given = settings.access.pepper
    return access.load_or_create_pepper(settings.data / "pepper", given.get_secret_value() if given else None)


def process_parts() -> tuple[Settings, str, bytes]:
    """Return the settings, the database's url and the pepper; start nothing. Raises SettingsInvalid, NotRunning."""
    settings = settings_here()
    return settings, _url_of(settings), pepper_of(settings)


def _url_of(settings: Settings) -> str:
    """Return the database's url. The embedded server's code is loaded only if the settings name no database."""
    if settings.database.url is not None:
        return settings.database.url.get_secret_value()
    from andon.kernel import postgres

    return postgres.url_of(settings)
