"""Tasks begun by a run's code: a task that raises SystemExit ends alone.

asyncio lets a SystemExit or a KeyboardInterrupt of any task through to the event loop, which ends with all the runs on
it.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class TaskEnded(BaseException):
    """A task raised an error that is meant to end the program. Neither is an `Exception`, so neither is retried."""


class _Contained(Coroutine[Any, Any, Any]):
    """A coroutine whose exceptions never end an event loop."""

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self._inner = inner

    def send(self, value: Any) -> Any:
        """Continue."""
        try:
            return self._inner.send(value)
        except (SystemExit, KeyboardInterrupt) as error:
            raise _ended(error) from error

    def throw(self, *error: Any) -> Any:
        """Continue with an error."""
        try:
            return self._inner.throw(*error)
        except (SystemExit, KeyboardInterrupt) as caught:
            raise _ended(caught) from caught

    def close(self) -> None:
        """End the coroutine."""
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


def contain(loop: asyncio.AbstractEventLoop) -> None:
    """Keep tasks begun on this loop from ending it. May be called repeatedly."""
    loop.set_task_factory(_task)


def _task(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> "asyncio.Task[Any]":
    return asyncio.Task(_Contained(coroutine), loop=loop, **more)


def _ended(error: BaseException) -> TaskEnded:
    text = str(error)
    return TaskEnded(f"{type(error).__name__}: {text}" if text else type(error).__name__)
