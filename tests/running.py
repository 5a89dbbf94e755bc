"""The standing automation as an installation of processes, run by `andon up` in a folder and stopped at the end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from installed import InstalledLine
from packages import a_package
from receiver import SECRET

AUTOMATION = """
from automations import an_automation

payments = an_automation()
"""


@contextmanager
def prepared(
    receiver_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    place: Path = Path("/tmp"),
    automation: str = AUTOMATION,
) -> Iterator[InstalledLine]:
    """Yield the project with a registered champion in a folder of `place`, not yet started.

    `settings` are environment variables: ANDON_...
    """
    with TemporaryDirectory(prefix="andon-", dir=place) as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, PostgreSQL runs as another user and has to pass through
        (folder / "automation.py").write_text(automation, encoding="utf-8")
        (folder / "andon.toml").write_text(
            f'[destinations.bank]\nurl = "{receiver_url}"\nsecret_env = "BANK_SECRET"\nallow_private = true\n',
            encoding="utf-8",
        )
        package = a_package(folder / "package")
        environment = {"BANK_SECRET": SECRET, "PYTHONPATH": str(Path(__file__).parent), **(settings or {})}
        with InstalledLine(folder, environment=environment) as line:
            line.register(package)
            yield line


@contextmanager
def running(
    receiver_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    place: Path = Path("/tmp"),
    automation: str = AUTOMATION,
) -> Iterator[InstalledLine]:
    """Yield the same, up and ready for decisions."""
    with prepared(receiver_url, settings, place=place, automation=automation) as line:
        line.up()
        yield line
