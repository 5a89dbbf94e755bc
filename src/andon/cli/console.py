"""`andon console`: one process of an installation, for operators with a supervisor of their own."""

from andon.bootstrap.console import serve_console
from andon.bootstrap.installation import process_parts


def console() -> None:
    """Show the web console."""
    serve_console(*process_parts())
