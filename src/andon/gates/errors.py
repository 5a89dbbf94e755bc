"""Errors of gate revisions."""

from andon.kernel.errors import Invalid


class GateInvalid(Invalid):
    """The gate cannot be revised like this."""


class AuditShareInvalid(Invalid):
    """The share of blind audits cannot be set like this."""
