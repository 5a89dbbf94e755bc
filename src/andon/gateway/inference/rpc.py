"""The protocol's gRPC form: `inference.GRPCInferenceService` in the gateway's own event loop. Needs the extra `grpc`.

The key is sent as metadata (`authorization: Bearer andon_...`). Liveness and readiness need none.
"""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter_ns
from typing import Any, TypeAlias

import grpc
import structlog
from grpc.aio import ServicerContext

from andon.gateway.errors import NotReady
from andon.gateway.inference.answering import Inference
from andon.gateway.inference.asking import asked_of
from andon.gateway.problems import headers_of, status_of
from andon.kernel.errors import AndonError
from andon.serving.inference import grpc as codec
from andon.serving.inference.protobuf import CLASSES, SERVICE

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 10.0

_EXTENSIONS = ("binary_tensor_data", "parameters")
"""Without the model repository, whose index is served over REST only."""

_CODES: Mapping[int, grpc.StatusCode] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""HTTP status of an error -> its gRPC code."""

_DETAIL = 2000
"""Most characters of an error's message, which is sent in a header of at most 8 kB."""

Method: TypeAlias = Callable[[bytes, ServicerContext], Awaitable[bytes]]


class RpcServer:
    """Listens on `[gateway] grpc_port` from `start` to `stop`. `shared`: other gateways here may listen there too."""

    def __init__(self, inference: Inference, *, shared: bool = False) -> None:
        limits = inference.gateway.settings.gateway
        self._address = (
            f"[{limits.host}]:{limits.grpc_port}" if ":" in limits.host else f"{limits.host}:{limits.grpc_port}"
        )
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", limits.max_body_bytes),
                ("grpc.so_reuseport", int(shared)),  # two installations must never share a port unnoticed
            ],
            maximum_concurrent_rpcs=limits.max_in_flight,
        )
        methods = _Methods(inference).by_name()
        handlers = {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))

    async def start(self) -> None:
        """Listen. If the port is taken, log that and go on without gRPC: HTTP does not depend on it."""
        try:
            self._server.add_insecure_port(self._address)
        except RuntimeError:
            log.error("inference.port_taken", address=self._address, setting="[gateway] grpc_port")
            return
        await self._server.start()
        log.info("inference.listening", address=self._address)

    async def stop(self) -> None:
        """Take no new calls, and give those under way DRAIN_SECONDS to be answered."""
        await self._server.stop(DRAIN_SECONDS)


class _Methods:
    """The calls of the service, over bytes."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def by_name(self) -> Mapping[str, Method]:
        """Return each call, wrapped so that errors become gRPC codes."""
        calls: Mapping[str, Method] = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ServerMetadata": self._server_metadata,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._model_infer,
        }
        return {name: _answering(name, call) for name, call in calls.items()}

    async def _server_live(self, _content: bytes, _context: ServicerContext) -> bytes:
        return _one("ServerLiveResponse", live=True)

    async def _server_ready(self, _content: bytes, _context: ServicerContext) -> bytes:
        return _one("ServerReadyResponse", ready=not await self._inference.problems())

    async def _server_metadata(self, _content: bytes, context: ServicerContext) -> bytes:
        self._inference.authenticate(_metadata(context).get("authorization"))
        return codec.encode_server_metadata(self._inference.server(_EXTENSIONS))

    async def _model_ready(self, content: bytes, context: ServicerContext) -> bytes:
        asked = codec.message("ModelReadyRequest", content)
        caller = self._inference.authenticate(_metadata(context).get("authorization"))
        self._inference.line(caller, asked.name, asked.version)
        return _one("ModelReadyResponse", ready=True)

    async def _model_metadata(self, content: bytes, context: ServicerContext) -> bytes:
        asked = codec.message("ModelMetadataRequest", content)
        caller = self._inference.authenticate(_metadata(context).get("authorization"))
        return codec.encode_model_metadata(self._inference.metadata(caller, asked.name, asked.version))

    async def _model_infer(self, content: bytes, context: ServicerContext) -> bytes:
        began, inference, metadata = perf_counter_ns(), self._inference, _metadata(context)
        if inference.gateway.draining:  # so that no call is under way when the server closes its connections
            raise NotReady("This gateway is shutting down")
        caller = inference.authenticate(metadata.get("authorization"))
        request = codec.decode_request(content)
        status = 500
        try:
            inference.admit(caller, request.model)
            asked = asked_of(
                metadata,
                caller,
                request.model,
                inference.new_id(),
                began_ns=began,
                patience=inference.gateway.settings.gateway.timeout_seconds,
                left=context.time_remaining(),
            )
            await context.send_initial_metadata((("x-correlation-id", asked.correlation_id),))
            response = await inference.infer(request, asked)
            status = 200
        except AndonError as error:
            status = status_of(error)
            inference.sent_away(request.model, error)
            raise
        finally:
            inference.told(request.model, status, began)
        return codec.encode_response(response, raw=request.binary)


def _answering(name: str, call: Method) -> Method:
    async def answer(content: bytes, context: ServicerContext) -> bytes:
        try:
            return await call(content, context)
        except AndonError as error:
            trailing = tuple((key.lower(), value) for key, value in headers_of(error).items() if key == "Retry-After")
            code = _CODES.get(status_of(error), grpc.StatusCode.INVALID_ARGUMENT)
            await context.abort(code, str(error)[:_DETAIL], trailing)
        except grpc.aio.AbortError:
            raise
        except Exception:
            log.exception("inference.failed", call=name)
            await context.abort(grpc.StatusCode.INTERNAL, "Internal error; find the details in the log")
        raise AssertionError("abort raises")

    return answer


def _metadata(context: ServicerContext) -> Mapping[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def _one(name: str, **fields: Any) -> bytes:
    content: bytes = CLASSES[name](**fields).SerializeToString()
    return content
