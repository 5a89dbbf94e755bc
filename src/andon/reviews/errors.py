"""Errors of reviews."""

from andon.kernel.errors import Conflict, Invalid, NotFound


class ReviewNotFound(NotFound):
    """No such review."""


class ReviewHeld(Conflict):
    """Somebody else is working on this review."""


class ReviewNotClaimed(Conflict):
    """Claim the review first."""


class ReviewDecided(Conflict):
    """A verdict has already been given."""


class ReviewWithdrawn(Conflict):
    """The review was withdrawn."""


class VerdictInvalid(Invalid):
    """The verdict cannot be used."""
