"""Errors of model files. Plain classes: `serving` and `models` convert them to Andon's own kinds."""


class ModelUnreadable(RuntimeError):
    """The model file cannot be loaded here."""


class OutputUnusable(RuntimeError):
    """What the model answered are no probabilities."""
