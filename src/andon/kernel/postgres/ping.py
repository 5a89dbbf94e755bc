"""A check of whether a PostgreSQL server admits connections, by its own protocol and without a driver.

`andon up` runs as long as the installation and needs a driver for nothing else. See "Message Formats" of the
PostgreSQL documentation, and `PQping` of libpq.
"""

import socket
import struct

_PROTOCOL = 3 << 16
_CANNOT_CONNECT_NOW = "57P03"
"""The SQLSTATE of a server that is starting, recovering or stopping."""

_MOST = 8_192
"""The longest answer that is read, in bytes."""


def admits(port: int, *, user: str, database: str, timeout: float) -> bool:
    """Return whether the server on this port of the loopback interface would admit a client with the password."""
    options = f"user\0{user}\0database\0{database}\0\0".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.sendall(struct.pack("!II", 8 + len(options), _PROTOCOL) + options)
            with connection.makefile("rb") as answer:
                kind, length = struct.unpack("!cI", answer.read(5))
                body = answer.read(min(length - 4, _MOST))
    except (OSError, struct.error):  # nobody listens, no answer in time, or the connection ended in the middle of it
        return False
    return kind == b"R" or (kind == b"E" and _state_of(body) != _CANNOT_CONNECT_NOW)


def _state_of(error: bytes) -> str:
    """Return the SQLSTATE of an error message: the field that begins with C, of those separated by zero bytes."""
    return next((field[1:].decode("ascii", "replace") for field in error.split(b"\0") if field[:1] == b"C"), "")
