"""Errors of everything that tries versions on real traffic."""

from andon.kernel.errors import Conflict, Denied


class TrafficSplitByHand(Conflict):
    """The traffic of this automation is split by hand: end that split first."""


class RolloutUnderWay(Conflict):
    """Another rollout of this automation is under way."""


class SecondPersonNeeded(Denied):
    """A person other than the one who started this has to do that."""


class ExperimentUnderWay(Conflict):
    """An experiment of this automation is under way: stop it first, or wait until it is over."""
