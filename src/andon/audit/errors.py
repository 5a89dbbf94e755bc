"""What can go wrong with the audit log, other than that somebody altered it: that is a finding, not an error."""

from andon.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class EntryInvalid(Invalid):
    """This cannot be written into the audit log."""


class CursorInvalid(Invalid):
    """The cursor does not come from a page of the audit log."""


class AnchorInvalid(Invalid):
    """An anchor is the SHA-256 of a checkpoint: 64 hexadecimal digits."""


class VerifiedInvalid(Invalid):
    """The record of an earlier verification was altered."""


class VerificationRunning(Conflict):
    """The audit log is already being verified; one verification runs at a time."""


class VerificationNotFound(NotFound):
    """No verification of the audit log has this id."""


class TooManyVerifications(Unavailable):
    """Too many verifications of the audit log are waiting."""
