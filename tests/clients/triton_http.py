"""NVIDIA's HTTP client: `triton_http.py ADDRESS KEY` prints what it got as JSON."""

import json
import sys

import numpy as np
from tritonclient import http
from tritonclient.utils import InferenceServerException

address, key = sys.argv[1:]
client = http.InferenceServerClient(address, concurrency=4)


def bearer() -> dict[str, str]:
    """Return a new mapping for each call, because the client writes into the given one."""
    return {"Authorization": f"Bearer {key}"}


def column(name: str, values: list[object], dtype: object, datatype: str, *, binary: bool) -> http.InferInput:
    array = np.array(values, dtype).reshape(-1, 1)
    tensor = http.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def columns(rows: int, *, binary: bool) -> list[http.InferInput]:
    return [
        column("payment_id", [f"p{n}" for n in range(rows)], object, "BYTES", binary=binary),
        column("account", ["Zoë"] * rows, object, "BYTES", binary=binary),
        column("amount", [50.0 + 400 * n for n in range(rows)], np.float32, "FP32", binary=binary),
        column("country", ["KP" if n == 1 else "DE" for n in range(rows)], object, "BYTES", binary=binary),
    ]


def told(result: http.InferResult) -> dict[str, object]:
    names = ("outcome", "score", "label", "confidence", "certain", "rule", "reasons", "decision_id")
    found = {name: result.as_numpy(name) for name in names}
    return {
        name: [each.decode() if isinstance(each, bytes) else each for each in array.ravel().tolist()]
        for name, array in found.items()
        if array is not None
    }


def refused(version: str = "", *, model: str = "payments", **changed: object) -> list[object]:
    try:
        client.infer(model, columns(1, binary=True), version, **{"headers": bearer(), **changed})
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return ["answered"]


binary = client.infer(
    "payments", columns(2, binary=True), headers=bearer(), request_id="42", timeout=2_000_000, priority=1
)
text = client.infer(
    "payments",
    columns(2, binary=False),
    headers=bearer(),
    outputs=[
        http.InferRequestedOutput("outcome", binary_data=False),
        http.InferRequestedOutput("score", binary_data=False),
    ],
)
mixed = client.infer(
    "payments",
    columns(2, binary=True),
    headers=bearer(),
    outputs=[
        http.InferRequestedOutput("rule", binary_data=False),
        http.InferRequestedOutput("score", binary_data=True),
    ],
)
one = client.infer("payments", columns(1, binary=True), headers=bearer())
pending = [client.async_infer("payments", columns(3, binary=True), headers=bearer()) for _ in range(8)]
at_once = [told(each.get_result())["outcome"] for each in pending]
json.dump(
    {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready("payments", headers=bearer()),
        "version_ready": client.is_model_ready("payments", "1", headers=bearer()),
        "no_version_ready": client.is_model_ready("payments", "9", headers=bearer()),
        "server": client.get_server_metadata(headers=bearer()),
        "model": client.get_model_metadata("payments", headers=bearer()),
        "index": client.get_model_repository_index(headers=bearer()),
        "binary": told(binary),
        "id": binary.get_response()["id"],
        "text": told(text),
        "mixed": told(mixed),
        "parameters": one.get_response()["parameters"],
        "one": told(one),
        "pinned": client.infer("payments", columns(1, binary=True), "1", headers=bearer()).get_response()[
            "model_version"
        ],
        "async": at_once,
        "unknown_version": refused("9"),
        "unknown_model": refused(model="nobody"),
        "no_key": refused(headers={}),
        "compressed": refused(request_compression_algorithm="gzip"),
    },
    sys.stdout,
)
client.close()
