"""KServe's clients: `kserve_clients.py HTTP_URL GRPC_ADDRESS KEY` prints what they got as JSON."""

import asyncio
import json
import sys

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import InferResponse, RequestedOutput

url, address, key = sys.argv[1:]
headers = {"Authorization": f"Bearer {key}"}
metadata = (("authorization", f"Bearer {key}"),)


def request(*, binary: bool, outputs: list[RequestedOutput] | None = None, version: str | None = None) -> InferRequest:
    columns = []
    for name, values, datatype in (
        ("payment_id", np.array(["p0", "p1"], object), "BYTES"),
        ("account", np.array(["Zoë", "a"], object), "BYTES"),
        ("amount", np.array([50.0, 450.0]), "FP64"),
        ("country", np.array(["DE", "KP"], object), "BYTES"),
    ):
        columns.append(InferInput(name, [2], datatype))
        columns[-1].set_data_from_numpy(values, binary_data=binary)
    return InferRequest("payments", columns, request_id="42", request_outputs=outputs, model_version=version)


def told(response: InferResponse) -> dict[str, object]:
    found: dict[str, object] = {"id": response.id, "model": response.model_name}
    for output in response.outputs:
        values = output.as_numpy().tolist()
        found[output.name] = [each.decode() if isinstance(each, bytes) else each for each in values]
    return found


async def rest() -> dict[str, object]:
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    score = RequestedOutput("score", {"binary_data": True})
    text = await client.infer(url, request(binary=False), "payments", headers=dict(headers))
    binary = await client.infer(url, request(binary=True, outputs=[score]), "payments", headers=dict(headers))
    try:
        await client.infer(url, request(binary=False), "nobody", headers=dict(headers))
        refused = "answered"
    except httpx.HTTPStatusError as error:
        refused = str(error)
    found = {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model_ready": await client.is_model_ready(url, "payments", headers=headers),
        "text": told(text),
        "binary": told(binary),
        "refused": refused,
    }
    await client.close()
    return found


async def rpc() -> dict[str, object]:
    async with InferenceGRPCClient(address) as client:
        raw = await client.infer(request(binary=True), headers=metadata)
        typed = await client.infer(request(binary=False), headers=metadata)
        try:
            await client.infer(request(binary=False))
            refused = "answered"
        except grpc.RpcError as error:
            refused = f"{error.code().name}: {error.details()}"
        return {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model_ready": await client.is_model_ready("payments", headers=metadata),
            "raw": told(raw),
            "typed": told(typed),
            "refused": refused,
        }


async def main() -> None:
    json.dump({"rest": await rest(), "grpc": await rpc()}, sys.stdout)


asyncio.run(main())
