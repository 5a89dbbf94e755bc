"""What another server may answer instead of probabilities."""

from andon.serving.errors import PredictionFailed


class ServerFailed(PredictionFailed):
    """The model's server failed."""

    def __init__(self, message: str = "", *, said: str = "") -> None:
        """`said` are the server's own words: they may hold values, so they are shown only where rows are invented."""
        super().__init__(message)
        self.said = said


class ServerRefused(ServerFailed):
    """The model's server is well and does not take this request."""
