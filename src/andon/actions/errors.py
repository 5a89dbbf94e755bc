"""The errors of actions, as people who look after them see them."""

from andon.kernel.errors import Conflict, NotFound


class ActionNotFound(NotFound):
    """No such action."""


class ActionNotDead(Conflict):
    """Only a dead letter can be sent again."""


class EvidenceNotFound(NotFound):
    """No such picture."""


class DestinationDisabled(Conflict):
    """The destination is disabled; enable it first."""


class DestinationNotDisabled(Conflict):
    """The destination is not disabled."""
