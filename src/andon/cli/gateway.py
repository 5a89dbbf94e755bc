"""`andon gateway`: one process of an installation, for operators with a supervisor of their own."""

from andon.bootstrap.gateway import serve_gateway
from andon.bootstrap.installation import process_parts


def gateway() -> None:
    """Answer decisions over HTTP. Needs a database that `andon up` or you have started and migrated."""
    serve_gateway(*process_parts())
