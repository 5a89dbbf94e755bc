"""Errors of replays."""

from andon.kernel.errors import Conflict, Invalid, Unavailable


class FeatureUnknowable(Conflict):
    """The candidate needs a feature that the recorded decisions lack and that no history can give."""


class ReplayInvalid(Invalid):
    """The replay is not valid."""


class ReplayFailed(Conflict):
    """A process of the replay failed."""


class ReplayBusy(Unavailable):
    """A policy is already being tried in this process; try again in a few seconds."""
