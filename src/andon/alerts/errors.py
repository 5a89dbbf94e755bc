"""Errors of alerts, silences, incidents and the rules of the cord."""

from andon.kernel.errors import Conflict, Invalid, NotFound


class AlertNotFound(NotFound):
    """There is no such alert."""


class AlertResolvedAlready(Conflict):
    """The alert is already resolved."""


class SilenceInvalid(Invalid):
    """The silence is not valid."""


class SilenceNotFound(NotFound):
    """There is no such silence, or it has ended."""


class IncidentNotFound(NotFound):
    """There is no such incident."""


class IncidentUnderWay(Conflict):
    """The automation has an incident that is open."""


class IncidentEnded(Conflict):
    """The incident has ended."""


class CordRuleInvalid(Invalid):
    """The rule is not valid."""


class CordRuleNotFound(NotFound):
    """No such rule was added to those in the code."""


class ChecklistOpen(Conflict):
    """A rule pulled the cord, so its release needs more than a reason."""


class DrillNotFound(NotFound):
    """There is no such drill."""


class DrillUnderWay(Conflict):
    """A drill of this automation is under way."""
