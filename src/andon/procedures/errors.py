"""The errors of procedures, as people who look after them see them."""

from andon.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class ProcedureNotFound(NotFound):
    """No such procedure."""


class ProcedureUnknown(Invalid):
    """No procedure of this name is declared."""


class StartRefused(Invalid):
    """The database refused to keep the procedure."""


class NotStarted(Unavailable):
    """The database did not answer before anything was started."""


class ProcedureOver(Conflict):
    """The procedure is over."""


class ProcedureNotStopped(Conflict):
    """Only a procedure that was cancelled or is exhausted can be resumed."""


class StepInvalid(Invalid):
    """The procedure has no such step to begin from."""


class EventKeyReused(Conflict):
    """Another event was sent under this key."""


class EventInvalid(Invalid):
    """The event is not valid."""
