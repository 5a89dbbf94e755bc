"""The key of a request: its Authorization header."""

from andon.access import Unauthenticated


def bearer(header: str | None) -> str:
    """Return the key in an Authorization header. Raises Unauthenticated."""
    if header is None:
        raise Unauthenticated("No key was sent: expected the header `Authorization: Bearer andon_...`")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("The Authorization header must be `Bearer andon_...`")
    return token.strip()
