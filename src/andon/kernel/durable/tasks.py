"""Tasks that a run's code begins: one that raises SystemExit ends alone.

asyncio lets a SystemExit or a KeyboardInterrupt of any task through to the event loop, which ends with all the runs on
it.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class TaskEnded(BaseException):
    """A task raised what was meant to end the program. No Exception, as that is none: it is not tried again."""


class _Contained(Coroutine[Any, Any, Any]):
    """A coroutine whose exceptions never end an event loop."""

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self._inner = inner

    def send(self, value: Any) -> Any:
        """Go on."""
        try:
            return self._inner.send(value)
        except (SystemExit, KeyboardInterrupt) as error:
            raise _ended(error) from error

    def throw(self, *error: Any) -> Any:
        """Go on with an error."""
        try:
            return self._inner.throw(*error)
        except (SystemExit, KeyboardInterrupt) as caught:
            raise _ended(caught) from caught

    def close(self) -> None:
        """Go on no more."""
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


def contain(loop: asyncio.AbstractEventLoop) -> None:
    """Keep tasks begun on this loop from ending it. May be called again."""
    loop.set_task_factory(_task)


def _task(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> "asyncio.Task[Any]":
    return asyncio.Task(_Contained(coroutine), loop=loop, **more)


def _ended(error: BaseException) -> TaskEnded:
    text = str(error)
    return TaskEnded(f"{type(error).__name__}: {text}" if text else type(error).__name__)
