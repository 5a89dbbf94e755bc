"""LitServe: one API server, one worker, no batching, its faster queue. Its model always runs in a separate process."""

import os
from typing import Any

import litserve
from served_model import ServedModel


class Trees(litserve.LitAPI):
    """A bare prediction."""

    def setup(self, device: str) -> None:  # noqa: ARG002  LitServe calls it so
        """Open the model."""
        self._model = ServedModel()

    def decode_request(self, request: dict[str, Any]) -> list[float]:
        """Return the row."""
        return request["input"]

    def predict(self, row: list[float]) -> float:
        """Return the probability of the positive class."""
        return self._model.scores([row])[0]

    def encode_response(self, score: float) -> dict[str, float]:
        """Return the JSON of the answer."""
        return {"score": score}


if __name__ == "__main__":
    server = litserve.LitServer(Trees(), accelerator="cpu", workers_per_device=1, timeout=False, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )
