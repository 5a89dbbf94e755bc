"""What a process of an installation is started with, read from the folder it runs in."""

from pathlib import Path

from andon import access
from andon.kernel import config, postgres
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
    return settings, postgres.url_of(settings), pepper_of(settings)
