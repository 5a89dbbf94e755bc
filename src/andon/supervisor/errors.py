"""Errors that stop an installation from running."""

from andon.kernel.errors import Conflict, NotFound, Unavailable


class NoProject(NotFound):
    """This folder holds no project: `andon init` makes one."""


class AlreadyRunning(Conflict):
    """`andon up` runs in this folder already."""


class PortTaken(Conflict):
    """Another program listens on a port that is needed."""


class PepperMissing(Conflict):
    """The secret under which the API keys of this database were hashed is not here."""


class PartFailed(Unavailable):
    """A part of the installation did not come up."""


class StopFailed(Unavailable):
    """What runs here could not be stopped."""


class UpNotRunning(Conflict):
    """`andon up` does not run in this folder."""


class RestartFailed(Unavailable):
    """The new process did not become ready; the one before goes on."""
