"""Errors of another server in place of probabilities."""

from andon.serving.errors import PredictionFailed


class ServerFailed(PredictionFailed):
    """The model's server failed."""

    def __init__(self, message: str = "", *, said: str = "") -> None:
        """`said` is the server's own text: it may hold values, so it is shown only where rows are invented."""
        super().__init__(message)
        self.said = said


class ServerRefused(ServerFailed):
    """The model's server is healthy but refuses this request."""
