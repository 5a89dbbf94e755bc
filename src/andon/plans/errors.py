"""Errors of plans."""

from andon.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class ConfigurationInvalid(Invalid):
    """The configuration cannot be used."""


class ConfigurationUnknown(NotFound):
    """The configuration names something that does not exist."""


class ConfigurationRefused(Conflict):
    """The present state does not allow this configuration."""


class PlanFileInvalid(Invalid):
    """The file is not a plan written by `andon plan --out`."""


class StateMoved(Conflict):
    """The state has changed since this was planned: plan again."""


class PlanDiffers(Conflict):
    """The configuration or the code has changed since this was planned: plan again."""


class PlanBusy(Unavailable):
    """Another configuration is being planned in this process; try again in a few seconds."""
