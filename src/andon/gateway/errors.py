"""What can be wrong with a call before anything is decided."""

from andon.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class BodyTooLarge(Invalid):
    """The request body is larger than this gateway accepts."""


class BatchMalformed(Invalid):
    """The body is not a batch of rows in the declared format."""


class BodyIncomplete(Invalid):
    """The connection ended before the body did; nothing was done."""


class MediaTypeUnsupported(Invalid):
    """The body must be `application/json`."""


class MethodNotAllowed(Conflict):
    """This address does not support the method."""


class RouteNotFound(NotFound):
    """There is nothing at this address."""


class EventUnknown(Invalid):
    """No automation takes events of this type."""


class HeaderInvalid(Invalid):
    """A header cannot be used."""


class RequestInvalid(Invalid):
    """The request does not match what this address accepts."""


class RateLimited(Unavailable):
    """This key sends too many requests."""


class Overloaded(Unavailable):
    """Too many requests are under way."""


class NotReady(Unavailable):
    """This gateway is not ready."""
