"""Errors of gate revisions."""

from andon.kernel.errors import Invalid


class GateInvalid(Invalid):
    """The gate cannot be revised like this."""
