"""Ray Serve on one machine: one replica, no dashboard, no access log. Throughput settings come as variables."""

import os
import threading
from typing import Any

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0"} | dict(
    zip(
        ("RAY_SERVE_HAPROXY_METRICS_PORT", "RAY_SERVE_HAPROXY_STATS_PORT"),
        os.environ["SPARE_PORTS"].split(","),
        strict=True,
    )
)

import ray
from ray import serve
from ray.serve.schema import LoggingConfig
from served_model import ServedModel
from starlette.requests import Request

QUIET = LoggingConfig(enable_access_log=False, log_level="WARNING")


@serve.deployment(num_replicas=1, max_ongoing_requests=256, logging_config=QUIET)
class Trees:
    """A bare prediction."""

    def __init__(self) -> None:
        self._model = ServedModel()

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Return the probability of the positive class."""
        body = await request.json()
        return {"score": self._model.scores([body["input"]])[0]}


if __name__ == "__main__":
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100_000_000,
        _temp_dir=os.environ["SCRATCH"],
        logging_level="warning",
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])}, logging_config=QUIET)
    serve.run(Trees.bind())
    threading.Event().wait()
