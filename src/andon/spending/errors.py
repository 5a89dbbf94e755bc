"""What can be wrong with a question about spending."""

from andon.kernel.errors import Invalid


class SpanInvalid(Invalid):
    """These days cannot be asked for."""
