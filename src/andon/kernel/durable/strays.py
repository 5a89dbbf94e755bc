"""Runs that the database assigns to this process but that it does not execute; nobody else would ever take them.

DBOS takes runs in one commit and then begins them. If the answer to that commit is lost, they are taken without DBOS's
knowledge. The same holds for a finished run whose end could not be written: it is repeated from its last step.
"""

import time
from collections.abc import Callable, Collection
from typing import TypeAlias
from uuid import UUID

import structlog

from andon.kernel.db import Tx
from andon.kernel.durable import rows

Execution: TypeAlias = tuple[UUID, str]
"""A run, and the token written into its row when it was taken; each taking has a new token."""

STRAY_SECONDS = 3.0
"""A run that is not executed for this long is a stray; a run begins a moment after it was taken."""

_log = structlog.get_logger(__name__)


class Strays:
    """The strays of this process. Use from one thread. `executing` returns what this process executes."""

    def __init__(self, executor: str, executing: Callable[[], Collection[Execution]]) -> None:
        self._executor = executor
        self._executing = executing
        self._seen: dict[Execution, float] = {}

    def give_back(self, tx: Tx) -> int:
        """Queue again, for any process, the runs that have been strays for a while. Return how many.

        An execution that continues after all can perform no step, since its token is no longer valid.
        """
        held = rows.held_by(tx, self._executor)
        now, executing = time.monotonic(), self._executing()
        self._seen = {one: self._seen.get(one, now) for one in held if one not in executing}
        strays = [one for one, since in self._seen.items() if now - since >= STRAY_SECONDS]
        if not strays:
            return 0
        given = rows.requeue(tx, self._executor, strays)
        _log.warning("durable.runs.given_back", runs=given)
        return given
