"""Every error that Andon raises on purpose.

    AndonError
      Invalid      the caller's input can never work            HTTP 422  exit 2
      Denied       the caller may not do this                   HTTP 403  exit 3
      NotFound     the thing named does not exist               HTTP 404  exit 4
      Conflict     the thing is not in a state that allows this HTTP 409  exit 5
      Unavailable  a dependency failed; the same call may work  HTTP 503  exit 6

Slices subclass one of the five kinds and never `AndonError` itself. A class's docstring is its default message and its
name is its stable code, so nothing is written twice. The entry points (gateway, console, cli) translate kinds; no slice
knows what HTTP is. Anything else that escapes is a bug: it is logged with its traceback and answered as 500.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an input: where (`input.amount`, `rules[2].when`, `automation.py:14`) and what was expected."""

    where: str
    message: str


class AndonError(Exception):
    """Something went wrong."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "", *, faults: Sequence[Fault] = (), **details: Any) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.faults = tuple(faults)
        self.details = details

    @property
    def code(self) -> str:
        """The stable name of this error, for programs."""
        return type(self).__name__

    @property
    def untold(self) -> list[Fault]:
        """The faults that the message does not mention, for entry points that show people both."""
        told = str(self)
        return [one for one in self.faults if one.message != told and f"{one.where}: {one.message}" not in told]


class Invalid(AndonError):
    """The request cannot be carried out as written."""


class Denied(AndonError):
    """You may not do this."""


class NotFound(AndonError):
    """No such thing."""


class Conflict(AndonError):
    """The current state does not allow this."""


class Unavailable(AndonError):
    """A dependency is not answering; try again."""

    retryable = True
