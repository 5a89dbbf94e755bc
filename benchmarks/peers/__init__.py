"""The servers that `script/bench serving` compares with Andon, each with its own request format.

`<folder>/server.py` starts one, in an environment of its own built from `<folder>/requirements.lock`.
benchmarks/README.md describes what each does and does not do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

FOLDER = Path(__file__).parent

Row: TypeAlias = Mapping[str, float]
"""All inputs of the model by name, in its order."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One server.

    `body` is a row in its format, `score` the probability in its answer, `expect` a part of every correct answer.
    """

    name: str
    title: str
    folder: str
    path: str
    body: Callable[[Row], object]
    score: Callable[[Any], float]
    expect: str
    required: bool = False
    database: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the server's environment."""

    @property
    def place(self) -> Path:
        """The folder of its server file and its lock file."""
        return FOLDER / self.folder


def _instances(row: Row) -> object:
    return {"instances": [list(row.values())]}


def _tensor(row: Row) -> object:
    data = list(row.values())
    return {"inputs": [{"name": "input", "shape": [1, len(data)], "datatype": "FP32", "data": data}]}


def _input(row: Row) -> object:
    return {"input": list(row.values())}


def _score(answer: Any) -> float:
    return float(answer["score"])


def _predictions(answer: Any) -> float:
    return float(answer["predictions"][0])


def _outputs(answer: Any) -> float:
    return float(answer["outputs"][0]["data"][0])


FASTAPI = Peer(
    "fastapi",
    "FastAPI + ONNX Runtime",
    "fastapi_ort",
    "/predict",
    dict,
    _score,
    '"score"',
    required=True,
)
KSERVE = Peer(
    "kserve-v1",
    "KServe SDK, V1",
    "kserve",
    "/v1/models/trees:predict",
    _instances,
    _predictions,
    '"predictions"',
    required=True,
)
PEERS = (
    FASTAPI,
    Peer(
        "fastapi-insert", "FastAPI + one INSERT", "fastapi_insert", "/predict", dict, _score, '"score"', database=True
    ),
    KSERVE,
    Peer("kserve-v2", "KServe SDK, V2", "kserve", "/v2/models/trees/infer", _tensor, _outputs, '"outputs"'),
    Peer("mlserver", "MLServer", "mlserver", "/v2/models/trees/infer", _tensor, _outputs, '"outputs"'),
    Peer(
        "litserve",
        "LitServe",
        "litserve",
        "/predict",
        _input,
        _score,
        '"score"',
    ),
    Peer("bentoml", "BentoML", "bentoml", "/predict", lambda row: {"row": list(row.values())}, _score, '"score"'),
    Peer(
        "mlflow",
        "MLflow serve",
        "mlflow",
        "/invocations",
        lambda row: {"inputs": [list(row.values())]},
        _predictions,
        '"predictions"',
    ),
    Peer("ray", "Ray Serve", "ray", "/", _input, _score, '"score"'),
    Peer(
        "ray-throughput",
        "Ray Serve, for throughput",
        "ray",
        "/",
        _input,
        _score,
        '"score"',
        environment={
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
            "RAY_SERVE_ENABLE_HA_PROXY": "1",
            "RAY_SERVE_EXPERIMENTAL_PIP_HAPROXY": "1",
        },
    ),
)
