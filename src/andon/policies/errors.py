"""What can be wrong with a policy."""

from andon.kernel.errors import Invalid, NotFound


class PolicyInvalid(Invalid):
    """The policy cannot be used."""


class FormulaInvalid(Invalid):
    """The formula cannot be used."""


class PolicyNotFound(NotFound):
    """This automation has no such policy version."""
