"""The gRPC link against a real gRPC server that goes and comes back."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from andon.serving.inference.protobuf import CLASSES, SERVICE
from andon.serving.remote import RemoteDocument, ServerUnreachable
from andon.serving.remote.grpc import GrpcLink
from andon.serving.remote.link import Site
from andon_demo.line import free_ports

READY = CLASSES["ModelReadyResponse"](ready=True).SerializeToString()


def test_a_server_that_is_back_is_reached_by_the_first_who_asks() -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    document = RemoteDocument(url=url, name="m", protocol="grpc")  # type: ignore[arg-type]

    async def run() -> None:
        link = GrpcLink(Site(url, allow_private=True), document, timeout=5)
        server = started(port)
        await link.check_soon(within=5)
        server.stop(0).wait()
        failures = []  # who holds an error of gRPC holds what belongs to its channel
        for _ in range(5):
            with pytest.raises(ServerUnreachable) as failed:
                await link.check_soon(within=5)
            failures.append(failed.value)
        server = started(port)
        await link.check_soon(within=5)
        await link.close()
        server.stop(0).wait()

    asyncio.run(run())


def started(port: int) -> Any:
    """Return a gRPC server with one model, which is ready."""
    ready = grpc.unary_unary_rpc_method_handler(lambda *_: READY)
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"ModelReady": ready})])
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port
    server.start()
    return server
