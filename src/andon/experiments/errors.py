"""Errors of experiments."""

from andon.kernel.errors import Conflict, Invalid, NotFound


class ExperimentInvalid(Invalid):
    """This experiment cannot be started as written."""


class ExperimentNotFound(NotFound):
    """There is no such experiment."""


class ExperimentOver(Conflict):
    """This experiment is over."""


class NothingToAdopt(Conflict):
    """This experiment has no winner that could take over."""
