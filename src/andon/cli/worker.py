"""`andon worker`: one process of an installation, for who runs them under a supervisor of their own."""

from andon.bootstrap.worker import serve_worker
from andon.cli.context import process_parts


def worker() -> None:
    """Carry out what follows decisions: deliveries, reviews, the intake, the seal of the audit log."""
    serve_worker(*process_parts())
