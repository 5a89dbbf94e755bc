"""The REST link: each connection is a reused client of its own, since the library's pool is slow to choose."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from andon.serving.inference import InferenceInvalid, InferRequest, InferResponse, ModelMetadata, rest
from andon.serving.remote.document import RemoteDocument
from andon.serving.remote.errors import ServerFailed, ServerRefused
from andon.serving.remote.link import MAX_ANSWER, ServerUnreachable, Site, line_of, timed_out

_KEPT_SECONDS = 30.0
_BINARY = "binary_tensor_data"


class RestLink:
    """One model over HTTP. Binary tensors if the server supports them, else JSON, in which null is a missing number."""

    def __init__(
        self, site: Site, document: RemoteDocument, *, timeout: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self._site = site
        self._timeout = timeout
        version = "" if document.version is None else f"/versions/{document.version}"
        self._model = f"/v2/models/{document.name}{version}"
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        self._binary = False
        self._idle: list[tuple[httpx.AsyncClient, str]] = []

    def describe(self) -> ModelMetadata:
        """Return the server's metadata of the model, after reading its own."""
        server = self._blocking("GET", "/v2")
        self._binary = _BINARY in _extensions(server)
        answer = self._blocking("GET", self._model)
        try:
            return rest.decode_model_metadata(answer.content)
        except InferenceInvalid as error:
            raise ServerFailed(f"{self._site.url} does not describe the model: {error}") from error

    def ask(self, request: InferRequest) -> InferResponse:
        """One answer."""
        body, headers = self._encoded(request)
        return self._decoded(self._blocking("POST", f"{self._model}/infer", body, headers))

    async def ask_soon(self, request: InferRequest, *, within: float) -> InferResponse:
        """Return one answer `within` this many seconds."""
        body, headers = self._encoded(request)
        return self._decoded(await self._soon("POST", f"{self._model}/infer", body, headers, within))

    async def check_soon(self, *, within: float) -> None:
        """Check that the server has the model ready."""
        await self._soon("GET", f"{self._model}/ready", b"", {}, within)

    async def close(self) -> None:
        """Close all connections that are not in use."""
        while self._idle:
            await self._idle.pop()[0].aclose()

    def _encoded(self, request: InferRequest) -> tuple[bytes, dict[str, str]]:
        body, json_bytes = rest.encode_request(request, binary=self._binary)
        if json_bytes is None:
            return body, {"content-type": "application/json"}
        return body, {"content-type": "application/octet-stream", rest.HEADER_LENGTH: str(json_bytes)}

    def _decoded(self, answer: "_Answer") -> InferResponse:
        try:
            return rest.decode_response(answer.content, rest.header_length(answer.headers.get(rest.HEADER_LENGTH)))
        except InferenceInvalid as error:
            raise ServerFailed(f"{self._site.url} did not answer by the protocol: {error}") from error

    def _blocking(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> "_Answer":
        try:
            with httpx.Client(verify=self._tls, trust_env=False, timeout=self._timeout) as client:
                base = self._base(self._site.address())
                request = client.build_request(method, base + path, content=body, **self._with(headers or {}))
                answer = client.send(request)
        except httpx.TimeoutException as error:
            raise timed_out(self._site, self._timeout) from error
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return self._judged(_Answer(answer.status_code, answer.headers, answer.content))

    async def _soon(self, method: str, path: str, body: bytes, headers: Mapping[str, str], within: float) -> "_Answer":
        try:
            async with asyncio.timeout(within):
                answer = await self._sent(method, path, body, headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise timed_out(self._site, within) from error
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return self._judged(answer)

    async def _sent(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> "_Answer":
        """One exchange. A connection that the server closed meanwhile is replaced: predicting twice harms nobody."""
        while self._idle:
            client, base = self._idle.pop()
            try:
                return await self._exchanged(client, base, method, path, body, headers)
            except httpx.TransportError:
                await self.close()
        base = self._base(await self._site.address_soon())
        return await self._exchanged(self._new_client(), base, method, path, body, headers)

    async def _exchanged(
        self, client: httpx.AsyncClient, base: str, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> "_Answer":
        answered = False
        try:
            request = client.build_request(method, base + path, content=body, **self._with(headers))
            response = await client.send(request, stream=True)
            content = bytearray()
            try:
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER:
                        raise ServerFailed(f"{self._site.url} answers with more than {MAX_ANSWER} bytes")
            finally:
                await response.aclose()
            answered = True
            return _Answer(response.status_code, response.headers, bytes(content))
        finally:
            if answered:
                self._idle.append((client, base))
            else:
                await client.aclose()

    def _with(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the arguments of every request: it goes to the checked address, in the name of the host."""
        host = self._site.url.split("//", 1)[1].split("/", 1)[0]
        authorization = {} if self._site.token is None else {"authorization": f"Bearer {self._site.token}"}
        return {
            "headers": {
                "host": host,
                "accept": "application/json, application/octet-stream",
                **authorization,
                **headers,
            },
            "extensions": {"sni_hostname": self._site.host},
        }

    def _base(self, address: str) -> str:
        return str(httpx.URL(self._site.url).copy_with(host=address)).rstrip("/")

    def _new_client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=1, keepalive_expiry=_KEPT_SECONDS)
        return httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=self._timeout, limits=limits)

    def _unreachable(self, error: httpx.HTTPError) -> ServerUnreachable:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ServerUnreachable(
                f"{self._site.url} presents a certificate that is not trusted for {self._site.host}"
            )
        how = "refused the connection" if isinstance(error, httpx.ConnectError) else "broke off the connection"
        return ServerUnreachable(f"{self._site.url} {how} ({type(error).__name__})")

    def _judged(self, answer: "_Answer") -> "_Answer":
        if answer.status == 200:
            return answer
        words = f"{self._site.url} answered with HTTP {answer.status}"
        if 400 <= answer.status < 500 and answer.status != 429:
            raise ServerRefused(words, said=answer.said)
        raise ServerFailed(words, said=answer.said)


class _Answer:
    """A whole answer."""

    __slots__ = ("content", "headers", "status")

    def __init__(self, status: int, headers: httpx.Headers, content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content

    @property
    def said(self) -> str:
        """The server's own words about its error."""
        try:
            document = json.loads(self.content)
        except ValueError:
            plain = self.headers.get("content-type", "").startswith("text/plain")
            return line_of(self.content.decode(errors="replace")) if plain else ""
        said = document.get("error", document.get("detail", "")) if isinstance(document, dict) else ""
        return line_of(said) if isinstance(said, str) else line_of(json.dumps(said))


def _extensions(answer: _Answer) -> list[Any]:
    try:
        document = json.loads(answer.content)
    except ValueError:
        return []
    found = document.get("extensions") if isinstance(document, dict) else None
    return found if isinstance(found, list) else []
