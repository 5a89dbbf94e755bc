"""Rules of HTTP/1.1 for request heads that the parser does not check (RFC 9112, sections 2.3, 3.2 and 6.1)."""

from collections.abc import Sequence


def fault_of(version: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Describe what is wrong with a head; None if nothing is. Names are in small letters."""
    if version not in ("1.0", "1.1"):
        return f"HTTP/{version} is not supported; use HTTP/1.1"
    if version == "1.1" and sum(name == b"host" for name, _ in headers) != 1:
        return "Expected one Host header"
    if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in headers):
        return "Transfer-Encoding: expected chunked and nothing else"
    return None
