"""Errors of cases."""

from andon.kernel.errors import Conflict, Invalid, NotFound


class CasesInvalid(Invalid):
    """A file of cases cannot be used."""


class CasesMissing(NotFound):
    """There are no cases."""


class CaseTaken(Conflict):
    """There is already a case with this name."""


class CaseUnsuitable(Conflict):
    """This decision cannot become a case: it was not made by policy and model alone."""
