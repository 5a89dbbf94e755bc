"""What can be wrong with a policy."""

from andon.kernel.errors import Invalid


class PolicyInvalid(Invalid):
    """The policy cannot be used."""
