"""The errors of plans."""

from andon.kernel.errors import Conflict, Invalid, NotFound


class ConfigurationInvalid(Invalid):
    """The configuration cannot be used."""


class ConfigurationUnknown(NotFound):
    """The configuration names something that does not exist."""


class ConfigurationRefused(Conflict):
    """The present state does not allow what the configuration says."""


class PlanFileInvalid(Invalid):
    """The file is no plan that `andon plan --out` wrote."""


class StateMoved(Conflict):
    """What is in force is not what it was when this was planned: plan again."""


class PlanDiffers(Conflict):
    """The configuration or the code is not the one that was planned: plan again."""
