"""The gRPC door of a gateway process, if it is wanted and its library is there."""

import importlib
from typing import Protocol

import structlog

from andon.gateway.dependencies import Gateway
from andon.gateway.inference.answering import Inference
from andon.gateway.side import Side

log = structlog.get_logger(__name__)


class InferenceServer(Protocol):
    """Something that listens from `start` to `stop`."""

    async def start(self) -> None:
        """Listen."""
        ...

    async def stop(self) -> None:
        """Take nothing new, and return when what was under way is answered."""
        ...


class _Absent:
    """No gRPC."""

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""


def serve_inference(gateway: Gateway, side: Side, *, shared: bool = False) -> InferenceServer:
    """The server for `[gateway] grpc_port`; one that does nothing if that is 0 or the extra `grpc` is not installed.

    `shared`: another gateway of this installation may listen there at the same time.
    """
    if gateway.settings.gateway.grpc_port == 0:
        return _Absent()
    try:
        rpc = importlib.import_module("andon.gateway.inference.rpc")  # gRPC weighs megabytes: only who serves it pays
    except ModuleNotFoundError as error:
        if error.name not in ("grpc", "google", "google.protobuf"):
            raise
        log.info("inference.no_grpc", needs="pip install 'andon[grpc]'", port=gateway.settings.gateway.grpc_port)
        return _Absent()
    server: InferenceServer = rpc.RpcServer(Inference(gateway, side), shared=shared)
    return server
