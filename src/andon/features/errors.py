"""Errors of features."""

from andon.kernel.errors import Invalid


class FeatureFailed(Invalid):
    """A feature could not be computed."""
