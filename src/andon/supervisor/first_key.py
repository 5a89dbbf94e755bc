"""The first run of an installation: the secret that hashes keys, and a key for the person who installs it."""

from datetime import datetime

from andon import access
from andon.bootstrap.project import build_events
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.identity import PLATFORM
from andon.supervisor.errors import PepperMissing

NAME = "first-admin"


def first_key(database: Database, settings: Settings, now: datetime) -> str | None:
    """Make the first key, an administrator's, and return its text, which is stored nowhere; None if keys exist.

    Raises PepperMissing when the present keys could never be recognised.
    """
    file = settings.data / "pepper"
    with database.begin() as tx:
        keys = access.list_keys(tx)
        if keys and not file.exists():
            raise PepperMissing(
                f"The database has API keys, but the secret under which they were hashed is not in {file}: copy it "
                "from the installation that created them. If it is lost, `andon keys create` creates a new key, and "
                "all older keys are void"
            )
        pepper = access.load_or_create_pepper(file)
        if keys:
            return None
        _, token = access.create_key(
            tx,
            name=NAME,
            grants=[access.Grant(access.Role.ADMIN)],
            expires_at=None,
            actor=PLATFORM,
            reason="The first key of this installation",
            events=build_events(settings),
            pepper=pepper,
            now=now,
        )
    return token
