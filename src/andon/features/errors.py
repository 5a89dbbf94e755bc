"""What can go wrong with a feature."""

from andon.kernel.errors import Invalid


class FeatureFailed(Invalid):
    """A feature could not be computed."""
