"""One `andon restart` under way: part after part, the new process first, the old one until it has finished."""

from collections.abc import Callable, Mapping, Sequence

from andon.supervisor.child import Child
from andon.supervisor.control import RestartRequest
from andon.supervisor.part import Part

READY_SECONDS = 60.0
"""The time limit for a new process to become ready."""

MISSING_SECONDS = 5.0
"""The time for which a new process may report that something is missing."""


class Restart:
    """A restart under way. The supervisor calls `advance` repeatedly; it never waits."""

    def __init__(
        self, request: RestartRequest, parts: Sequence[Part], environment: Callable[[], Mapping[str, str]]
    ) -> None:
        self._request = request
        self._environment = environment
        self._waiting = list(parts)
        self._part: Part | None = None

    def advance(self) -> bool:
        """Continue as far as possible now. Return whether it is over."""
        if self._part is None:
            if not self._waiting:
                self._request.end()
                return True
            self._part = self._waiting.pop(0)
            self._part.begin_succession(self._environment())
        if self._part.successor is not None:
            return self._has_failed(self._part, self._part.successor)
        if not self._part.leaving:
            self._request.say(f"{self._part.name:<9} the previous process has answered all its requests and ended")
            self._part = None
        return False

    def give_up(self) -> None:
        """End the request: the supervisor itself ends."""
        self._request.end("`andon up` is stopping")

    def _has_failed(self, part: Part, child: Child) -> bool:
        """Let the successor take over as soon as it is ready; whether it never will be."""
        status = child.status()
        child.listen()
        if status is None and child.ready:
            self._request.say(f"{part.name:<9} process {child.pid} is ready after {child.lived:.1f} s")
            part.succeed(child)
            return False
        why = _why_not(child, status)
        if why is None:
            return False
        part.give_up_succession()
        self._request.end(f"The new {part.name} did not become ready; the previous process continues: {why}")
        return True


def _why_not(child: Child, status: int | None) -> str | None:
    """Why a process will not become ready; None while it may."""
    if status is not None:
        return child.error or f"it ended with status {status}; see the log of `andon up`"
    if child.missing is not None and child.lived > MISSING_SECONDS:
        return "; ".join(f"{name}: {problem}" for name, problem in child.missing.items())
    return f"it was not ready within {READY_SECONDS:.0f} s" if child.lived > READY_SECONDS else None
