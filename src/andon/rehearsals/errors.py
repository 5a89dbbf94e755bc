"""Errors of rehearsals."""

from andon.kernel.errors import Conflict, Invalid, NotFound


class NothingRecorded(NotFound):
    """No decision was recorded in this span."""


class TargetUnusable(Invalid):
    """The address or the key of a rehearsal cannot be used."""


class TargetRecorded(Conflict):
    """The gateway that would receive the traffic is the one that recorded it."""


class ContractTooOpen(Invalid):
    """A field's values cannot be invented from its contract alone."""


class RowsUnfit(Invalid):
    """The contract refuses nearly all invented rows."""


class RowsFileInvalid(Invalid):
    """The invented rows cannot be written to this file."""
