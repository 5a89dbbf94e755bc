"""NVIDIA's asynchronous clients: `triton_aio.py HTTP_ADDRESS GRPC_ADDRESS KEY` prints what they got as JSON."""

import asyncio
import json
import sys
from types import ModuleType

import numpy as np
import tritonclient.grpc.aio
import tritonclient.http.aio

http_address, grpc_address, key = sys.argv[1:]


async def ask(module: ModuleType, address: str, header: str) -> dict[str, object]:
    headers = {header: f"Bearer {key}"}
    async with module.InferenceServerClient(address) as client:
        columns = []
        for name, value, datatype in (("payment_id", "p", "BYTES"), ("account", "a", "BYTES"), ("amount", 7, "INT32")):
            array = np.array([value], object if datatype == "BYTES" else np.int32)
            columns.append(module.InferInput(name, [1], datatype))
            columns[-1].set_data_from_numpy(array)
        results = await asyncio.gather(*(client.infer("payments", columns, headers=headers) for _ in range(20)))
        return {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model_ready": await client.is_model_ready("payments", headers=headers),
            "outcomes": [result.as_numpy("outcome").tolist()[0].decode() for result in results],
            "ids": [result.as_numpy("decision_id").tolist()[0].decode() for result in results],
        }


async def main() -> None:
    http = await ask(tritonclient.http.aio, http_address, "Authorization")
    grpc = await ask(tritonclient.grpc.aio, grpc_address, "authorization")
    json.dump({"http": http, "grpc": grpc}, sys.stdout)


asyncio.run(main())
