"""Header lines as a mapping, the same for both ways to the application."""

from collections.abc import Iterable


def headers_of_lines(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Map names in small letters to values. Several lines of one name are one list (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    for name, value in lines:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
