"""Errors of queries about spending."""

from andon.kernel.errors import Invalid


class SpanInvalid(Invalid):
    """These days cannot be asked for."""
