"""What can go wrong with a label."""

from andon.kernel.errors import Invalid


class LabelInvalid(Invalid):
    """The label cannot be used."""
