"""Errors of labels."""

from andon.kernel.errors import Conflict, Invalid, NotFound


class LabelInvalid(Invalid):
    """The label cannot be used."""


class LabelNotFound(NotFound):
    """No such label."""


class LabelReplaced(Conflict):
    """This label has been corrected already; correct its correction."""
