"""A whole installation as processes; its first steps run within this process, since each command takes a second."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from andon import access, migrations, models
from andon.access import Grant, Role
from andon.bootstrap.installation import pepper_of
from andon.bootstrap.project import build_events
from andon.bootstrap.trials import once_tried, require_tried
from andon.kernel import config, postgres
from andon.kernel.config import Settings
from andon.kernel.db import Database, Tx
from andon.kernel.identity import Actor
from andon_demo.line import Line

BY_TEST = Actor("test")


class InstalledLine(Line):
    """Registers models and makes keys as `andon models register` and `andon keys create` do, on the same database.

    It has no console, whose start costs each test a second or two; `environment` may enable it.
    """

    def __init__(self, folder: Path, *, environment: dict[str, str] | None = None, ports: Sequence[int] = ()) -> None:
        super().__init__(folder, environment={"ANDON_CONSOLE_ENABLED": "false", **(environment or {})}, ports=ports)

    def register(self, package: Path, *, alias: str | None = "champion", trust: bool = False) -> None:
        """Register a package, and point an alias to it."""
        with self._opened() as (database, settings):
            given = {"actor": BY_TEST, "events": build_events(settings), "reason": "test", "now": database.now()}

            def put(tx: Tx) -> None:
                version = models.register(tx, package, trust_pickle=trust, **given)
                require_tried(tx, settings, version)
                if alias is not None:
                    models.set_alias(tx, version.name, alias, version.number, **given)

            once_tried(settings, database, put)

    def key(self, name: str, role: str) -> str:
        """Return a new API key with all permissions of `role`; running parts of the line know it."""
        with self._opened() as (database, settings), database.begin() as tx:
            _, token = access.create_key(
                tx,
                name=name,
                grants=[Grant(Role(role))],
                expires_at=None,
                actor=BY_TEST,
                events=build_events(settings),
                reason="test",
                pepper=pepper_of(settings),
                now=database.now(),
            )
        for port in (self.gateway, self.worker):
            self.wait_until("the key was known", lambda port=port: not self._is_unknown(token, port), timeout=10)  # type: ignore[misc]
        return token

    def _is_unknown(self, token: str, port: int) -> bool:
        """Whether a process runs at the port and does not take the key."""
        try:
            return self._ask("/metrics", {"Authorization": f"Bearer {token}"}, port)[0] == 401
        except (OSError, HTTPException):
            return False

    @contextmanager
    def _opened(self) -> Iterator[tuple[Database, Settings]]:
        """Open the installation's database, running and migrated, embedded as for a command."""
        settings = config.load(self.folder, self.environment)
        with postgres.available(settings) as url:
            database = Database(url, pool_size=1)
            try:
                migrations.ensure(database)
                yield database, settings
            finally:
                database.close()
