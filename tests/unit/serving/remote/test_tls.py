"""Over TLS the server must prove its name, although a checked address is what is connected to."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from andon.serving.inference import InferRequest, InferResponse, ModelMetadata, of_array, rest
from andon.serving.inference import grpc as codec
from andon.serving.inference.protobuf import SERVICE
from andon.serving.remote import RemoteDocument, ServerUnreachable
from andon.serving.remote.grpc import GrpcLink
from andon.serving.remote.link import Link, Site
from andon.serving.remote.rest import RestLink
from certificates import a_certificate
from served import served

ANSWER = InferResponse("m", [of_array("p", np.array([0.25]))])
METADATA = ModelMetadata("m", [], "", [], [])
ASKED = InferRequest([of_array("x", np.array([[1.0]]))], model="m")

Dial = Callable[[str, bool], Link]
"""A link to the server called so, which trusts its authority or not."""


@pytest.fixture
def over_rest(tmp_path: Path) -> Iterator[Dial]:
    async def infer(request: Request) -> Response:
        await request.body()
        return Response(rest.encode_response(ANSWER)[0])

    routes = [
        Route("/v2", lambda _: Response(b"{}")),
        Route("/v2/models/m", lambda _: Response(rest.encode_model_metadata(METADATA))),
        Route("/v2/models/m/infer", infer, methods=["POST"]),
    ]
    certificate = a_certificate(tmp_path)
    with served(Starlette(routes=routes), certificate) as address:
        port = address.rpartition(":")[2]

        def dial(host: str, trusting: bool) -> Link:
            url = f"https://{host}:{port}"
            trust = ssl.create_default_context(cafile=str(certificate[0])) if trusting else None
            return RestLink(_site(url), RemoteDocument(url=url, name="m"), timeout=5, tls=trust)

        yield dial


@pytest.fixture
def over_grpc(tmp_path: Path) -> Iterator[Dial]:
    def handler(answer: bytes) -> Any:
        return grpc.unary_unary_rpc_method_handler(lambda *_: answer)

    handlers = {
        "ModelMetadata": handler(codec.encode_model_metadata(METADATA)),
        "ModelInfer": handler(codec.encode_response(ANSWER)),
    }
    shown, kept = a_certificate(tmp_path)
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    credentials = grpc.ssl_server_credentials([(kept.read_bytes(), shown.read_bytes())])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()

    def dial(host: str, trusting: bool) -> Link:
        url = f"https://{host}:{port}"
        document = RemoteDocument(url=url, name="m", protocol="grpc")  # type: ignore[arg-type]
        return GrpcLink(_site(url), document, timeout=5, authorities=shown.read_bytes() if trusting else None)

    yield dial
    server.stop(None).wait()


@pytest.fixture(params=["over_rest", "over_grpc"])
def dial(request: pytest.FixtureRequest) -> Dial:
    found: Dial = request.getfixturevalue(request.param)
    return found


def test_a_server_that_proves_its_name_is_asked(dial: Dial) -> None:
    link = dial("localhost", True)
    assert link.describe().name == "m"
    assert link.ask(ASKED).outputs[0].values() == [0.25]
    assert _soon(link).outputs[0].values() == [0.25]


@pytest.mark.parametrize(("host", "trusting"), [("localhost", False), ("models.example", True)])
def test_one_that_cannot_is_not(dial: Dial, host: str, trusting: bool) -> None:
    with pytest.raises(ServerUnreachable):
        dial(host, trusting).describe()
    with pytest.raises(ServerUnreachable):
        _soon(dial(host, trusting))


def _site(url: str) -> Site:
    return Site(url, allow_private=True, resolve=lambda *_: ["127.0.0.1"])


def _soon(link: Link) -> InferResponse:
    async def run() -> InferResponse:
        try:
            return await link.ask_soon(ASKED, within=5)
        finally:
            await link.close()

    return asyncio.run(run())
