"""Errors of policies."""

from andon.kernel.errors import Invalid, NotFound


class PolicyInvalid(Invalid):
    """The policy cannot be used."""


class FormulaInvalid(Invalid):
    """The formula cannot be used."""


class PolicyNotFound(NotFound):
    """This automation has no such policy version."""
