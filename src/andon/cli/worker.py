"""`andon worker`: one process of an installation, for operators with a supervisor of their own."""

from andon.bootstrap.installation import process_parts
from andon.bootstrap.worker import serve_worker


def worker() -> None:
    """Carry out the work after decisions: deliveries, reviews, the intake, the seal of the audit log."""
    serve_worker(*process_parts())
