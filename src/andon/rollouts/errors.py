"""Errors of rollouts."""

from andon.kernel.errors import Conflict, Invalid, NotFound


class RolloutInvalid(Invalid):
    """This rollout cannot be started as written."""


class RolloutNotFound(NotFound):
    """There is no such rollout."""


class RolloutOver(Conflict):
    """This rollout is over."""


class RolloutNotThere(Conflict):
    """This rollout is in another state."""
