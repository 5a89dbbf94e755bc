"""Errors that stop an installation from running."""

from andon.kernel.errors import Conflict, NotFound, Unavailable


class NoProject(NotFound):
    """This folder holds no project: `andon init` creates one."""


class AlreadyRunning(Conflict):
    """`andon up` is already running in this folder."""


class PortTaken(Conflict):
    """Another program listens on a port that is needed."""


class PepperMissing(Conflict):
    """The secret used to hash the API keys of this database is missing."""


class PartFailed(Unavailable):
    """A process of the installation did not start."""


class StopFailed(Unavailable):
    """The running installation could not be stopped."""


class UpNotRunning(Conflict):
    """`andon up` is not running in this folder."""


class RestartFailed(Unavailable):
    """The new process did not become ready; the old one continues."""
