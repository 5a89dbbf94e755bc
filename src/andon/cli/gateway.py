"""`andon gateway`: one process of an installation, for operators with a supervisor of their own."""

from andon.bootstrap.gateway import serve_gateway
from andon.bootstrap.installation import process_parts


def gateway() -> None:
    """Answer decisions over HTTP. Needs a database that is started and migrated, by `andon up` or by you."""
    serve_gateway(*process_parts())
