"""What can go wrong with a replay."""

from andon.kernel.errors import Conflict, Invalid, Unavailable


class FeatureUnknowable(Conflict):
    """The candidate needs a feature that the recorded decisions lack and that no history tells."""


class ReplayInvalid(Invalid):
    """The replay cannot be what was asked for."""


class ReplayFailed(Conflict):
    """A process of the replay could not do its part."""


class ReplayBusy(Unavailable):
    """A policy is being tried in this process already; try again in a few seconds."""
