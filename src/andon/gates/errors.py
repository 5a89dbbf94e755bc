"""What can go wrong with gate revisions."""

from andon.kernel.errors import Invalid


class GateInvalid(Invalid):
    """The gate cannot be revised like this."""
