"""What can go wrong with an action, as far as a person who looks after it is concerned."""

from andon.kernel.errors import Conflict, NotFound


class ActionNotFound(NotFound):
    """No such action."""


class ActionNotDead(Conflict):
    """Only a dead letter can be sent again."""


class DestinationDisabled(Conflict):
    """The destination is disabled; enable it first."""


class DestinationNotDisabled(Conflict):
    """The destination is not disabled."""
