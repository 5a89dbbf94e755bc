"""The gRPC link, which keeps one channel; needs the extra `grpc`. After an outage it makes a new channel at once.

Channels do not share their connections (`grpc.use_local_subchannel_pool`): as long as anyone holds an error of the old
channel, a new one would otherwise report the old one's last attempt instead of trying itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import grpc

from andon.serving.inference import InferenceInvalid, InferRequest, InferResponse, ModelMetadata
from andon.serving.inference import grpc as codec
from andon.serving.inference.protobuf import CLASSES, SERVICE
from andon.serving.remote.document import RemoteDocument
from andon.serving.remote.errors import ServerFailed, ServerRefused
from andon.serving.remote.link import MAX_ANSWER, ServerUnreachable, Site, line_of, timed_out

_GRACE_SECONDS = 10.0

_REFUSALS = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
)


class GrpcLink:
    """One model over gRPC, its tensors raw. `authorities` are certificates (PEM) to trust, if not the public ones."""

    def __init__(
        self, site: Site, document: RemoteDocument, *, timeout: float, authorities: bytes | None = None
    ) -> None:
        self._site = site
        self._authorities = authorities
        self._timeout = timeout
        self._model = {"name": document.name, "version": document.version or ""}
        self._metadata = [] if site.token is None else [("authorization", f"Bearer {site.token}")]
        self._channel: Any = None
        self._retired: set[asyncio.Task[None]] = set()

    def describe(self) -> ModelMetadata:
        """Return the server's metadata of the model."""
        content = self._blocking("ModelMetadata", CLASSES["ModelMetadataRequest"](**self._model).SerializeToString())
        try:
            return codec.decode_model_metadata(content)
        except InferenceInvalid as error:
            raise ServerFailed(f"{self._site.url} does not describe the model: {error}") from error

    def ask(self, request: InferRequest) -> InferResponse:
        """One answer."""
        return self._decoded(self._blocking("ModelInfer", codec.encode_request(request)))

    async def ask_soon(self, request: InferRequest, *, within: float) -> InferResponse:
        """Return one answer `within` this many seconds."""
        return self._decoded(await self._soon("ModelInfer", codec.encode_request(request), within))

    async def check_soon(self, *, within: float) -> None:
        """Check that the server has the model ready."""
        content = await self._soon(
            "ModelReady", CLASSES["ModelReadyRequest"](**self._model).SerializeToString(), within
        )
        if not codec.message("ModelReadyResponse", content).ready:
            raise ServerFailed(f"{self._site.url} has the model, but it is not ready")

    async def close(self) -> None:
        """Close the channel."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()
        await asyncio.gather(*self._retired)

    def _decoded(self, content: bytes) -> InferResponse:
        try:
            return codec.decode_response(content)
        except InferenceInvalid as error:
            raise ServerFailed(f"{self._site.url} did not answer by the protocol: {error}") from error

    def _blocking(self, method: str, content: bytes) -> bytes:
        target, options, credentials = self._where(self._site.address())
        opened = (
            grpc.insecure_channel(target, options)
            if credentials is None
            else grpc.secure_channel(target, credentials, options)
        )
        with opened as channel:
            call: Any = channel.unary_unary(f"/{SERVICE}/{method}")
            try:
                answer: bytes = call(content, timeout=self._timeout, metadata=self._metadata)
            except grpc.RpcError as error:
                raise self._judged(error, self._timeout) from error
        return answer

    async def _soon(self, method: str, content: bytes, within: float) -> bytes:
        channel = self._channel
        try:
            async with asyncio.timeout(within):
                if channel is None:
                    address = await self._site.address_soon()
                    channel = self._channel = self._channel or self._opened(address)
                call: Any = channel.unary_unary(f"/{SERVICE}/{method}")
                answer: bytes = await call(content, metadata=self._metadata)
        except TimeoutError as error:
            raise timed_out(self._site, within) from error
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                self._retire(channel)
            raise self._judged(error, within) from error
        return answer

    def _opened(self, address: str) -> Any:
        target, options, credentials = self._where(address)
        if credentials is None:
            return grpc.aio.insecure_channel(target, options)
        return grpc.aio.secure_channel(target, credentials, options)

    def _retire(self, channel: Any) -> None:
        """Let go of a channel whose server was away: it would wait longer and longer before it tries again."""
        if channel is None or channel is not self._channel:
            return
        self._channel = None
        task = asyncio.get_running_loop().create_task(channel.close(_GRACE_SECONDS))
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    def _where(self, address: str) -> tuple[str, list[tuple[str, Any]], Any]:
        """Return the target of a channel, which is the checked address; its options; its credentials if TLS is used."""
        parsed = ipaddress.ip_address(address.partition("%")[0])
        target = f"ipv4:{parsed}:{self._site.port}" if parsed.version == 4 else f"ipv6:[{parsed}]:{self._site.port}"
        options = [
            ("grpc.default_authority", f"{self._site.host}:{self._site.port}"),
            ("grpc.max_receive_message_length", MAX_ANSWER),
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if not self._site.secure:
            return target, options, None
        return (
            target,
            [*options, ("grpc.ssl_target_name_override", self._site.host)],
            grpc.ssl_channel_credentials(self._authorities),
        )

    def _judged(self, error: Any, within: float) -> Exception:
        code, said = error.code(), line_of(error.details() or "")
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return timed_out(self._site, within)
        if code is grpc.StatusCode.UNAVAILABLE:
            return ServerUnreachable(f"{self._site.url} refused or broke off the connection (gRPC UNAVAILABLE)")
        words = f"{self._site.url} answered with gRPC {code.name}"
        return ServerRefused(words, said=said) if code in _REFUSALS else ServerFailed(words, said=said)
