"""The errors of cases."""

from andon.kernel.errors import Conflict, Invalid, NotFound


class CasesInvalid(Invalid):
    """A file of cases cannot be used."""


class CasesMissing(NotFound):
    """There are no cases."""


class CaseTaken(Conflict):
    """There is a case of this name already."""


class CaseUnsuitable(Conflict):
    """This decision cannot become a case: something else than policy and model made it."""
