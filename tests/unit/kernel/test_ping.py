"""A ping asks PostgreSQL whether it admits connections; here a script of bytes stands in for the server."""

import socket
import struct
from threading import Thread

import pytest

from andon.kernel.postgres.ping import admits


def error(state: str) -> bytes:
    fields = b"SFATAL\0C" + state.encode() + b"\0Mthe database system is starting up\0\0"
    return b"E" + struct.pack("!I", 4 + len(fields)) + fields


@pytest.mark.parametrize(
    ("answer", "admitted"),
    [
        (b"R" + struct.pack("!II", 8, 10), True),
        (error("57P03"), False),
        (error("53300"), True),
        (b"", False),
        (b"R\0", False),
    ],
    ids=["asks for the password", "starting up", "too many clients", "hangs up", "hangs up midway"],
)
def test_a_server_admits_unless_it_says_that_it_cannot(answer: bytes, admitted: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            there, _ = listening.accept()
            with there:
                there.recv(1024)
                there.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        assert admits(listening.getsockname()[1], user="andon", database="andon", timeout=5) is admitted
        thread.join()


def test_nobody_there_admits_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert not admits(port, user="andon", database="andon", timeout=5)
