"""A gateway with both doors of the Open Inference Protocol, behind the product's own servers on free ports."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import NamedTuple

import uvloop

from andon.gateway import create_app
from andon.gateway.inference import serve_inference
from andon.wire import HttpServer
from andon_demo.line import free_ports
from lines import Installation


class Doors(NamedTuple):
    """Host and port of each."""

    http: str
    grpc: str


@contextmanager
def inferring(installation: Installation, **limits: int) -> Iterator[Doors]:
    """Yield the addresses of a new gateway; what is in flight at the end is finished first."""
    (port,) = free_ports(1)
    gateway, side = installation.gateway(**{"grpc_port": port, **limits})
    server = HttpServer(create_app(gateway, side), host="127.0.0.1", port=0, ending=lambda: None)
    listens = Event()

    async def serve(door: socket.socket) -> None:
        rpc = serve_inference(gateway, side)
        await rpc.start()
        listens.set()
        await server.serve(sockets=[door])
        await rpc.stop()
        await gateway.decider.close()

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = Thread(target=lambda: uvloop.run(serve(door)))
        thread.start()
        try:
            assert listens.wait(20)
            yield Doors(f"127.0.0.1:{door.getsockname()[1]}", f"127.0.0.1:{port}")
        finally:
            server.should_exit = True
            thread.join()
