"""What can go wrong when the rows of a file or a query are decided."""

from andon.kernel.errors import Conflict, Invalid, Unavailable


class RunBusy(Conflict):
    """Another process is deciding these rows."""


class RunLost(Conflict):
    """A run of this query has begun, and the rows it was to decide are missing."""


class QueryInvalid(Invalid):
    """The query cannot be carried out."""


class QueryUnavailable(Unavailable):
    """The database of the query does not answer."""


class ColumnMissing(Invalid):
    """There is no such column."""


class RunInterrupted(Unavailable):
    """The ledger did not come back; what was decided is kept, and the same command continues from there."""
