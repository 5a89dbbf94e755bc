"""Errors of rollouts."""

from andon.kernel.errors import Conflict, Denied, Invalid, NotFound


class RolloutInvalid(Invalid):
    """This rollout cannot be started as written."""


class RolloutNotFound(NotFound):
    """There is no such rollout."""


class RolloutUnderWay(Conflict):
    """Another rollout of this automation is under way."""


class RolloutOver(Conflict):
    """This rollout is over."""


class RolloutNotThere(Conflict):
    """This rollout is in another state."""


class SecondPersonNeeded(Denied):
    """A person other than the one who started this rollout has to do that."""
