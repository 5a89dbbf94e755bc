"""Errors of the cord."""

from andon.kernel.errors import Invalid


class CordInvalid(Invalid):
    """The line state cannot be changed like this."""
