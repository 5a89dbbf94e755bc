"""Errors that end a command or a process: a message on standard error, and the exit code of their kind."""

import sys

from andon.kernel.errors import AndonError, Conflict, Denied, Invalid, NotFound, Unavailable

EXIT_CODES: tuple[tuple[type[AndonError], int], ...] = (
    (Invalid, 2),
    (Denied, 3),
    (NotFound, 4),
    (Conflict, 5),
    (Unavailable, 6),
)


def tell(error: AndonError) -> None:
    """Print an error, and each of its faults with its location."""
    sys.stderr.write(f"error: {error}\n")
    for fault in error.untold:
        sys.stderr.write(f"  {fault.where}: {fault.message}\n")


def exit_code(error: AndonError) -> int:
    """Return the exit code of an error's kind."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))
