"""Errors of everything that tries versions on real traffic."""

from andon.kernel.errors import Conflict


class TrafficSplitByHand(Conflict):
    """The traffic of this automation is split by hand: end that split first."""


class ExperimentUnderWay(Conflict):
    """An experiment of this automation is under way: stop it first, or wait until it is over."""
