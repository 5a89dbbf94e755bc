"""Every error that Andon raises on purpose: its code, and its form at each entry point."""

import importlib
import pkgutil
from collections.abc import Iterator

from script.pages.markdown import code, table

import andon
from andon.bootstrap.telling import EXIT_CODES
from andon.console.errors import status_of as page_status_of
from andon.gateway.problems import status_of, type_of
from andon.kernel.errors import AndonError

SHELL_ONLY = ("cli", "supervisor", "scaffold", "datafile", "kernel.config", "kernel.postgres")
"""Packages whose errors reach nobody over HTTP."""

NOT_IMPORTED = ("__main__", "migrations.env", "migrations.versions", "runtimes")
"""Modules that run something on import, and those that load a model's library and define no error of Andon."""


def body() -> str:
    """Return a table for each kind."""
    return "\n".join(
        f"## {kind.__name__}: {_words(kind).lower()}\n\n"
        f"Exit code {exit_code}; over HTTP {status_of(kind())} unless the table says otherwise. "
        f"{'A retry may succeed.' if kind.retryable else 'A retry fails the same way.'}\n\n" + _table(kind)
        for kind, exit_code in EXIT_CODES
    )


def _table(kind: type[AndonError]) -> str:
    by_code = {error.__name__: error for error in every_error(kind)}  # two slices may share a code
    return table(("code", "type of problem", "HTTP", "message"), map(_row, by_code.values()))


def _row(error: type[AndonError]) -> tuple[str, str, str, str]:
    place = error.__module__.removeprefix("andon.")
    raised = error()
    if place.startswith(SHELL_ONLY):
        return code(error.__name__), "", "", _words(error)
    if place.startswith("console"):
        return code(error.__name__), "a page", str(page_status_of(raised).value), _words(error)
    return code(error.__name__), code(type_of(raised.code)), str(status_of(raised)), _words(error)


def every_error(kind: type[AndonError]) -> Iterator[type[AndonError]]:
    """Return the errors of a kind, by name; all of Andon is imported to find them."""
    for module in pkgutil.walk_packages(andon.__path__, "andon."):
        if not module.name.removeprefix("andon.").startswith(NOT_IMPORTED):
            importlib.import_module(module.name)
    yield from sorted(_under(kind), key=lambda error: (error.__name__, error.__module__))


def _under(kind: type[AndonError]) -> Iterator[type[AndonError]]:
    for error in kind.__subclasses__():
        if error.__module__.startswith("andon."):
            yield error
            yield from _under(error)


def _words(error: type[AndonError]) -> str:
    return " ".join((error.__doc__ or "").split())
