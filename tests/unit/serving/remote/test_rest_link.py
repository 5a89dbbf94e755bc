"""The REST link against a server of ours on a real socket: binary tensors, the token, and answers that are none."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from andon.serving import EndpointUnavailable, Hosting
from andon.serving.inference import InferResponse, ModelMetadata, of_array, rest
from andon.serving.remote import RemotePredictor, ServerFailed, open_remote
from served import served

ROWS = np.array([[1.0, np.nan], [3.0, 0.5]])


@dataclass
class Peer:
    """A server that takes binary tensors; `answer` replaces what it says to a question."""

    extensions: list[str] = field(default_factory=lambda: ["binary_tensor_data"])
    answer: Response | None = None
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def app(self) -> Starlette:
        """Its routes."""
        return Starlette(
            routes=[
                Route("/base/v2", self.server),
                Route("/base/v2/models/m/versions/7", self.model),
                Route("/base/v2/models/m/versions/7/ready", self.ready),
                Route("/base/v2/models/m/versions/7/infer", self.infer, methods=["POST"]),
            ]
        )

    async def server(self, request: Request) -> Response:
        """Answer with its identity."""
        self.seen.append((dict(request.headers), b""))
        return Response(json.dumps({"name": "peer", "version": "1", "extensions": self.extensions}))

    async def model(self, request: Request) -> Response:
        """Answer with a model without metadata."""
        del request
        return Response(rest.encode_model_metadata(ModelMetadata("m", ["7"], "", [], [])))

    async def ready(self, request: Request) -> Response:
        """Answer that it is ready."""
        del request
        return Response()

    async def infer(self, request: Request) -> Response:
        """Answer the first column as P(positive)/10, in binary form."""
        body = await request.body()
        self.seen.append((dict(request.headers), body))
        if self.answer is not None:
            return self.answer
        asked = rest.decode_request(body, rest.header_length(request.headers.get(rest.HEADER_LENGTH)))
        scores = asked.inputs[0].array()[:, 0] / 10
        binary = rest.HEADER_LENGTH in request.headers
        answer = InferResponse("m", [of_array("scores", scores)])
        content, json_bytes = rest.encode_response(answer, binary=["scores"] if binary else [])
        headers = {} if json_bytes is None else {rest.HEADER_LENGTH: str(json_bytes)}
        return Response(content, headers=headers)


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def url(peer: Peer) -> Iterator[str]:
    with served(peer.app()) as address:
        yield f"{address}/base/"


def opened(packed_url: str, folder: Path, **hosting: Any) -> RemotePredictor:
    file = folder / "remote.json"
    file.write_text(json.dumps({"url": packed_url, "name": "m", "version": "7"}))
    return open_remote(file, ["amount", "country"], Hosting(allow_private=True, **hosting))


def soon(predictor: RemotePredictor) -> Any:
    async def run() -> Any:
        await predictor.start()
        try:
            return await predictor.predict_soon(ROWS, within=5)
        finally:
            await predictor.close()

    return asyncio.run(run())


@pytest.mark.parametrize("extensions", [["binary_tensor_data"], []])
def test_missing_values_arrive_in_binary_form_and_in_json(
    peer: Peer, url: str, tmp_path: Path, extensions: list[str]
) -> None:
    peer.extensions = extensions
    predictor = opened(url, tmp_path)
    expected = [[0.9, 0.1], [0.7, 0.3]]
    np.testing.assert_allclose(predictor.predict(ROWS), expected)
    np.testing.assert_allclose(soon(predictor), expected)
    for headers, body in peer.seen[-2:]:
        assert (rest.HEADER_LENGTH.lower() in headers) == bool(extensions)
        length = rest.header_length(headers.get(rest.HEADER_LENGTH.lower()))
        np.testing.assert_array_equal(rest.decode_request(body, length).inputs[0].array(), ROWS)


def test_the_token_goes_to_the_address_that_was_set_here_and_nowhere_else(peer: Peer, url: str, tmp_path: Path) -> None:
    opened(url, tmp_path, secret="hush").predict(ROWS)
    assert not any("authorization" in headers for headers, _ in peer.seen)
    peer.seen.clear()
    predictor = opened("http://127.0.0.1:9", tmp_path, url=url, secret="hush")
    predictor.predict(ROWS)
    soon(predictor)
    assert {headers.get("authorization") for headers, _ in peer.seen} == {"Bearer hush"}
    assert "hush" not in repr(Hosting(secret="hush"))


def test_one_connection_is_used_again_and_again(peer: Peer, url: str, tmp_path: Path) -> None:
    predictor = opened(url, tmp_path)

    async def run() -> None:
        await predictor.start()
        for _ in range(20):
            await predictor.predict_soon(ROWS, within=5)
        assert len(predictor._link._idle) == 1  # type: ignore[attr-defined]
        await predictor.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Response(b"<html>", media_type="text/html"), "did not answer by the protocol"),
        (Response(b"{}"), "did not answer by the protocol"),
        (Response(b'{"model_name": "m", "outputs": []}'), "it has no outputs"),
        (Response(b"x", headers={rest.HEADER_LENGTH: "minus one"}), "did not answer by the protocol"),
        (Response(b"x", headers={rest.HEADER_LENGTH: "999"}), "did not answer by the protocol"),
        (Response(b'{"error": "no\\u001b[31m luck"}', status_code=500), r"HTTP 500"),
        (Response(status_code=302, headers={"location": "http://127.0.0.1:9/"}), "HTTP 302"),
    ],
)
def test_what_is_no_answer_is_named(peer: Peer, url: str, tmp_path: Path, answer: Response, words: str) -> None:
    peer.answer = answer
    predictor = opened(url, tmp_path)
    with pytest.raises(ServerFailed, match=words):
        predictor.predict(ROWS)
    with pytest.raises(ServerFailed, match=words):
        soon(predictor)


def test_a_servers_words_are_printable_and_short(peer: Peer, url: str, tmp_path: Path) -> None:
    peer.answer = Response(json.dumps({"error": "no\x1b[31m\nluck " * 500}), status_code=400)
    with pytest.raises(ServerFailed) as failed:
        opened(url, tmp_path).predict(ROWS)
    assert failed.value.said.startswith("no [31m luck no")
    assert failed.value.said.isprintable()
    assert len(failed.value.said) <= 500


def test_an_answer_without_end_is_not_read_to_its_end(
    peer: Peer, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("andon.serving.remote.rest.MAX_ANSWER", 1000)
    peer.answer = Response(b"x" * 5000)
    with pytest.raises(ServerFailed, match="more than 1000 bytes"):
        soon(opened(url, tmp_path))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "host:8080",
        "http://",
        "http://me:secret@host",
        "http://host?x=1",
        "http://host#x",
        "http://host:99999",
    ],
)
def test_what_is_no_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(EndpointUnavailable, match="does not state where the model runs"):
        opened(url, tmp_path)
    with pytest.raises(EndpointUnavailable, match="is not an address"):
        opened("http://127.0.0.1:9", tmp_path, url=url)
