"""`andon gateway | worker | console`: one process of an installation, for who runs them under a supervisor of their own."""

from collections.abc import Callable

from andon import bootstrap
from andon.cli.context import pepper_of, settings_here
from andon.kernel import postgres
from andon.kernel.config import Settings


def gateway() -> None:
    """Answer decisions over HTTP. Needs a database that `andon up` or you have started and migrated."""
    _serve(bootstrap.serve_gateway)


def worker() -> None:
    """Carry out what follows decisions: deliveries, reviews, the intake, the seal of the audit log."""
    _serve(bootstrap.serve_worker)


def console() -> None:
    """Show the web console."""
    _serve(bootstrap.serve_console)


def _serve(process: Callable[[Settings, str, bytes], None]) -> None:
    settings = settings_here()
    process(settings, postgres.url_of(settings), pepper_of(settings))
