"""An error as a log shows it: its class and place; its message only if the words are ours.

Messages of other libraries quote what they could not process (a row, a parameter, an address with its password), and
the values of variables are inputs and secrets. So neither is ever logged; class and place are enough to find a bug.
"""

from traceback import walk_tb
from types import TracebackType
from typing import Any

from andon.kernel.errors import AndonError

_FRAMES = 30
_CAUSES = 8

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def describe(exc_info: ExcInfo) -> dict[str, Any]:
    """Return the error, its frames from the outside in, and its causes."""
    return _described(exc_info[1], _CAUSES)


def _described(error: BaseException, causes: int) -> dict[str, Any]:
    kind = type(error)
    told: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    if isinstance(error, AndonError):
        told["message"] = str(error)
    elif isinstance(error, OSError) and error.strerror:
        told["message"] = error.strerror
    told["at"] = _places(error.__traceback__)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if causes and cause is not None:
        told["cause"] = _described(cause, causes - 1)
    if causes and isinstance(error, BaseExceptionGroup):
        told["exceptions"] = [_described(one, causes - 1) for one in error.exceptions]
    return told


def _places(trace: TracebackType | None) -> list[str]:
    places = [f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}" for frame, line in walk_tb(trace)]
    return places[-_FRAMES:]
