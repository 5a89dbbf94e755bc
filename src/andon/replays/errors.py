"""Errors of replays."""

from andon.kernel.errors import Conflict, Invalid, Unavailable


class FeatureUnknowable(Conflict):
    """The candidate needs a feature that the recorded decisions lack and that no history can give."""


class ReplayInvalid(Invalid):
    """The question of a replay is not valid."""


class ReplayFailed(Conflict):
    """A process of the replay could not do its part."""


class ReplayBusy(Unavailable):
    """A policy is being tried in this process already; try again in a few seconds."""
