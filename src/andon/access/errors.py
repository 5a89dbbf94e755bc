"""What can go wrong with keys and permissions."""

from andon.kernel.errors import Conflict, Denied, Invalid, NotFound


class Unauthenticated(Denied):
    """A valid API key is needed."""


class Forbidden(Denied):
    """This key does not allow that."""


class KeyInvalid(Invalid):
    """The key cannot be made as described."""


class PepperInvalid(Invalid):
    """The secret that protects the stored keys cannot be used."""


class KeyNotFound(NotFound):
    """No such key."""


class KeyNameTaken(Conflict):
    """Another living key has this name; the audit log could not tell them apart."""


class KeyRevoked(Conflict):
    """The key is already revoked."""


class LastAdmin(Conflict):
    """This is the last living key that may manage keys everywhere; make another one first."""


class OwnKeyChange(Conflict):
    """A key cannot take the right to manage keys from itself: use another key."""
