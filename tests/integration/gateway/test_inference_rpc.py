"""The gRPC door: status codes with precise messages, metadata, deadlines, and an address that cannot be opened."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from structlog.testing import capture_logs

from andon.access import Grant, Role
from andon.gateway import serve_inference
from andon.serving.inference import InferRequest, InferResponse, of_array
from andon.serving.inference import grpc as codec
from andon.serving.inference.protobuf import CLASSES, SERVICE
from inferring import inferring
from lines import CALLER, Installation


class Caller:
    """Calls over one channel."""

    def __init__(self, address: str, key: str | None = None) -> None:
        self._channel = grpc.insecure_channel(address)
        self._key = () if key is None else (("authorization", f"Bearer {key}"),)

    def raw(self, name: str, content: bytes, *metadata: tuple[str, str], timeout: float = 20.0) -> bytes:
        """Return the answer of a call of the service."""
        answer: bytes = self._channel.unary_unary(f"/{SERVICE}/{name}")(
            content, metadata=(*self._key, *metadata), timeout=timeout
        )
        return answer

    def infer(self, request: InferRequest, *metadata: tuple[str, str], timeout: float = 20.0) -> InferResponse:
        """Return the answer to an inference."""
        content = codec.encode_request(request)
        return codec.decode_response(self.raw("ModelInfer", content, *metadata, timeout=timeout))

    def refused(self, request: InferRequest, *metadata: tuple[str, str], timeout: float = 20.0) -> tuple[str, str]:
        """Code and words of its error."""
        with pytest.raises(grpc.RpcError) as caught:
            self.infer(request, *metadata, timeout=timeout)
        return caught.value.code().name, caught.value.details()

    def close(self) -> None:
        """Let go of the channel."""
        self._channel.close()


def request(rows: int = 1, *, version: str = "", **parameters: int | str) -> InferRequest:
    columns = {
        "payment_id": np.array([f"p{number}" for number in range(rows)]),
        "account": np.array(["a"] * rows),
        "amount": np.full(rows, 50.0),
    }
    inputs = [of_array(name, column) for name, column in columns.items()]
    return InferRequest(inputs, model="payments", version=version, parameters=parameters, id="7")


@pytest.fixture
def caller(installation: Installation) -> Iterator[Caller]:
    key = installation.key("otto", Grant(Role.OPERATOR, "payments"))
    with inferring(installation, max_in_flight=8) as doors:
        caller = Caller(doors.grpc, key)
        yield caller
        caller.close()


def test_an_inference_is_a_decision(installation: Installation, caller: Caller) -> None:
    answer = caller.infer(request(3), ("x-correlation-id", "order-7"))
    assert (answer.model, answer.version, answer.id) == ("payments", "1", "7")
    assert answer.output("outcome").values() == ["release"] * 3
    assert len(set(answer.output("decision_id").values())) == 3


@pytest.mark.parametrize(
    ("wrong", "metadata", "code", "words"),
    [
        (InferRequest([], model="payments"), (), "INVALID_ARGUMENT", "no inputs"),
        (request(9), (), "INVALID_ARGUMENT", "has 9 rows; 1 to 8 are allowed"),
        (request(version="9"), (), "NOT_FOUND", "these do: 1"),
        (
            InferRequest(request().inputs, model="other"),
            (),
            "PERMISSION_DENIED",
            "otto may not ask for decisions in other",
        ),
        (request(timeout="soon"), (), "INVALID_ARGUMENT", "timeout must be a whole number"),
        (request(), (("x-request-timeout", "x"),), "INVALID_ARGUMENT", "X-Request-Timeout"),
        (request(), (("andon-model-version", "4"),), "NOT_FOUND", "Version '4'"),
        (request(), (("idempotency-key", "k"),), "INVALID_ARGUMENT", "not accepted here"),
    ],
)
def test_what_is_wrong_has_a_code_and_words(
    caller: Caller, wrong: InferRequest, metadata: tuple[tuple[str, str], ...], code: str, words: str
) -> None:
    said = caller.refused(wrong, *metadata)
    assert said[0] == code
    assert words in said[1]


def test_bytes_that_are_no_message_are_refused(caller: Caller) -> None:
    for name in ("ModelInfer", "ModelMetadata", "ModelReady"):
        with pytest.raises(grpc.RpcError) as caught:
            caller.raw(name, b"\xff\xff\xff")
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "of the Open Inference Protocol" in caught.value.details()


def test_time_that_is_too_short_is_said_and_nothing_is_decided(caller: Caller) -> None:
    code, _ = caller.refused(request(timeout=1))
    assert code in ("DEADLINE_EXCEEDED", "UNAVAILABLE")
    assert caller.infer(request(), timeout=10).version == "1"


def test_health_needs_no_key_and_the_rest_does(installation: Installation) -> None:
    bank = installation.key("bank", CALLER)
    with inferring(installation) as doors:
        stranger, known = Caller(doors.grpc), Caller(doors.grpc, bank)
        assert CLASSES["ServerLiveResponse"].FromString(stranger.raw("ServerLive", b"")).live
        assert CLASSES["ServerReadyResponse"].FromString(stranger.raw("ServerReady", b"")).ready
        for name in ("ServerMetadata", "ModelMetadata", "ModelReady", "ModelInfer"):
            with pytest.raises(grpc.RpcError) as caught:
                stranger.raw(name, b"")
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        asked = CLASSES["ModelMetadataRequest"](name="payments").SerializeToString()
        metadata = codec.decode_model_metadata(known.raw("ModelMetadata", asked))
        assert (metadata.versions, metadata.inputs[0].name) == (["1"], "payment_id")
        server = CLASSES["ServerMetadataResponse"].FromString(known.raw("ServerMetadata", b""))
        assert (server.name, [*server.extensions]) == ("andon", ["binary_tensor_data", "parameters"])
        assert known.refused(request(version="1"))[0] == "PERMISSION_DENIED"
        stranger.close()
        known.close()


def test_a_port_that_is_taken_is_said_and_the_gateway_goes_on(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logs:
        gateway, side = installation.gateway(grpc_port=taken.getsockname()[1])

        async def run() -> None:
            server = serve_inference(gateway, side)
            await server.start()
            await server.stop()

        asyncio.run(run())
    assert [entry["event"] for entry in logs] == ["inference.port_taken"]


WITHOUT = """
import asyncio, sys
from types import SimpleNamespace as S
sys.modules["grpc"] = None
from andon.gateway import serve_inference
for port in (9000, 0):
    server = serve_inference(S(settings=S(gateway=S(grpc_port=port))), None)
    asyncio.run(server.start())
    asyncio.run(server.stop())
assert "google.protobuf" not in sys.modules
"""


def test_without_the_extra_a_line_in_the_log_says_so() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("inference.no_grpc") == 1
    assert "andon[grpc]" in done.stdout
