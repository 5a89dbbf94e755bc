"""One process of a running installation: what it serves, and how it ends on an error."""

import importlib
import sys
from collections.abc import Callable

from andon.bootstrap import inheritance
from andon.bootstrap.installation import process_parts
from andon.bootstrap.telling import exit_code, tell
from andon.kernel.errors import AndonError


def part(name: str) -> Callable[..., None]:
    """Return the function that serves as gateway, worker or console, with all its imports."""
    serve: Callable[..., None] = getattr(importlib.import_module(f"andon.bootstrap.{name}"), f"serve_{name}")
    return serve


def run(serve: Callable[..., None]) -> None:
    """Serve until stopped. An error is printed, reported to the supervisor, and sets the exit code."""
    place = inheritance.take()
    try:
        serve(*process_parts(), place)
    except AndonError as error:
        tell(error)
        place.tell_failure(error)
        sys.exit(exit_code(error))
