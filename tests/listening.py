"""A gateway of an installation behind the product's own server, so that a test meets every byte of HTTP."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvloop

from andon.gateway import create_app
from andon.wire import HttpServer, Parking
from lines import Installation


@contextmanager
def listening(installation: Installation, **limits: int) -> Iterator[str]:
    """Yield the address of a new gateway; what is in flight at the end is finished first.

    On the product's event loop: asyncio's leaves Nagle's algorithm on for a given socket, which makes an answer 40 ms
    late.
    """
    gateway, side = installation.gateway(**limits)
    app = create_app(gateway, side)
    parking = Parking(app.decide.overload, many=1)
    server = HttpServer(app, host="127.0.0.1", port=0, ending=lambda: None, parking=parking)

    async def serve(door: socket.socket) -> None:
        await server.serve(sockets=[door])
        parking.close()
        await gateway.decider.close()

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = Thread(target=lambda: uvloop.run(serve(door)))
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
