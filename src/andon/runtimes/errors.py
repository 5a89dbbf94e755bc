"""What can go wrong with a model file. Plain classes: `serving` and `models` say it in Andon's own kinds."""


class ModelUnreadable(RuntimeError):
    """The model file cannot be loaded here."""


class OutputUnusable(RuntimeError):
    """What the model answered are no probabilities."""
