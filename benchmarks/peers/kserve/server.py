"""KServe's SDK: a custom predictor for protocol V1 and V2 over REST. No gRPC, no log line per request."""

import logging
import os
from typing import Any
from uuid import uuid4

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from served_model import ServedModel


class Trees(Model):
    """A bare prediction."""

    def __init__(self) -> None:
        super().__init__("trees")
        self._model = ServedModel()
        self.ready = True

    async def predict(self, payload: dict[str, Any] | InferRequest, headers: Any = None) -> Any:  # noqa: ARG002  KServe calls it so
        """Accept V1 as a dictionary, V2 as an InferRequest."""
        if isinstance(payload, dict):
            return {"predictions": self._model.scores(payload["instances"])}
        scores = self._model.scores(payload.inputs[0].as_numpy())
        output = InferOutput(name="score", shape=[len(scores)], datatype="FP32", data=scores)
        return InferResponse(response_id=payload.id or str(uuid4()), model_name=self.name, infer_outputs=[output])


if __name__ == "__main__":
    server = ModelServer(http_port=int(os.environ["PORT"]), workers=1, enable_grpc=False, enable_latency_logging=False)
    logging.getLogger("kserve.trace").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").handlers.clear()
    server.start([Trees()])
