"""Errors between a row and its prediction."""

from andon.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class PredictionFailed(Unavailable):
    """The model gave no usable probabilities."""


class EndpointUnavailable(Unavailable):
    """The model cannot be loaded here."""


class PredictionTimedOut(PredictionFailed):
    """The model gave no answer in time."""


class EndpointBusy(PredictionFailed):
    """The model's processes are all busy and its queue is full, or its circuit breaker is open."""


class EnvironmentInvalid(Invalid):
    """The environment that the model was trained in cannot be built here."""


class SplitInvalid(Invalid):
    """These shares are not a traffic split."""


class VersionUnfit(Invalid):
    """This version cannot answer in every automation that uses the model."""


class SplitChanged(Conflict):
    """Somebody else has changed the split in the meantime."""


class EndpointNotFound(NotFound):
    """No automation here uses a model of this name."""
