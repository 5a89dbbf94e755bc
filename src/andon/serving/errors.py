"""What can go wrong between a row and its prediction."""

from andon.kernel.errors import Unavailable


class PredictionFailed(Unavailable):
    """The model gave no usable probabilities."""


class EndpointUnavailable(Unavailable):
    """The model cannot be loaded here."""
