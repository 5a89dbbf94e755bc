"""NVIDIA's gRPC client: `triton_grpc.py ADDRESS KEY` prints what it got as JSON."""

import json
import queue
import sys

import numpy as np
from google.protobuf.json_format import MessageToDict
from tritonclient import grpc
from tritonclient.utils import InferenceServerException

address, key = sys.argv[1:]
headers = {"authorization": f"Bearer {key}"}
client = grpc.InferenceServerClient(address)


def column(name: str, values: list[object], dtype: object, datatype: str) -> grpc.InferInput:
    array = np.array(values, dtype).reshape(-1, 1)
    tensor = grpc.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array)
    return tensor


def columns(rows: int) -> list[grpc.InferInput]:
    return [
        column("payment_id", [f"p{n}" for n in range(rows)], object, "BYTES"),
        column("account", ["Zoë"] * rows, object, "BYTES"),
        column("amount", [50.0 + 400 * n for n in range(rows)], np.float64, "FP64"),
        column("country", ["KP" if n == 1 else "DE" for n in range(rows)], object, "BYTES"),
    ]


def told(result: grpc.InferResult) -> dict[str, object]:
    names = ("outcome", "score", "label", "confidence", "certain", "rule", "reasons", "decision_id")
    found = {name: result.as_numpy(name) for name in names}
    return {
        name: [each.decode() if isinstance(each, bytes) else each for each in array.ravel().tolist()]
        for name, array in found.items()
        if array is not None
    }


def refused(version: str = "", *, model: str = "payments", inputs: object = None, **changed: object) -> list[object]:
    try:
        client.infer(model, inputs or columns(1), version, **{"headers": headers, **changed})
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return ["answered"]


whole = client.infer("payments", columns(2), headers=headers, request_id="42", timeout=2_000_000, client_timeout=5)
some = client.infer("payments", columns(2), headers=headers, outputs=[grpc.InferRequestedOutput("score")])
one = client.infer("payments", columns(1), "1", headers=headers)
answers: queue.Queue[list[str]] = queue.Queue()
for _ in range(8):
    client.async_infer(
        "payments",
        columns(3),
        callback=lambda result, error: answers.put([str(error)] if error else told(result)["outcome"]),
        headers=headers,
    )
json.dump(
    {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready("payments", headers=headers),
        "server": client.get_server_metadata(headers=headers, as_json=True),
        "model": client.get_model_metadata("payments", headers=headers, as_json=True),
        "whole": told(whole),
        "id": whole.get_response().id,
        "some": told(some),
        "one": told(one),
        "version": one.get_response().model_version,
        "parameters": {
            name: next(iter(MessageToDict(value).values())) for name, value in one.get_response().parameters.items()
        },
        "async": [answers.get(timeout=20) for _ in range(8)],
        "unknown_version": refused("9"),
        "unknown_model": refused(model="nobody"),
        "no_key": refused(headers={}),
        "bad_value": refused(inputs=[*columns(1)[:2], column("amount", [-1.0], np.float64, "FP64")]),
        "too_large": refused(inputs=[column("payment_id", ["x" * 2_000_000], object, "BYTES")]),
    },
    sys.stdout,
)
client.close()
