"""The gRPC server of a gateway process, if it is configured and its library is installed."""

import importlib
from typing import Protocol

import structlog

from andon.gateway.dependencies import Gateway
from andon.gateway.inference.answering import Inference
from andon.gateway.side import Side

log = structlog.get_logger(__name__)


class InferenceServer(Protocol):
    """A server that listens from `start` to `stop`."""

    async def start(self) -> None:
        """Listen."""
        ...

    async def stop(self) -> None:
        """Take no new calls, and return when those under way are answered."""
        ...


class _Absent:
    """A server that does nothing, where gRPC is off."""

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""


def serve_inference(gateway: Gateway, side: Side, *, shared: bool = False) -> InferenceServer:
    """Return the server for `[gateway] grpc_port`. It does nothing if that is 0 or the extra `grpc` is not installed.

    `shared`: another gateway of this installation may listen there at the same time.
    """
    if gateway.settings.gateway.grpc_port == 0:
        return _Absent()
    try:
        rpc = importlib.import_module("andon.gateway.inference.rpc")  # gRPC takes megabytes: load it only to serve it
    except ModuleNotFoundError as error:
        if error.name not in ("grpc", "google", "google.protobuf"):
            raise
        log.info("inference.no_grpc", needs="pip install 'andon[grpc]'", port=gateway.settings.gateway.grpc_port)
        return _Absent()
    server: InferenceServer = rpc.RpcServer(Inference(gateway, side), shared=shared)
    return server
