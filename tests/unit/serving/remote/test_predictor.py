"""What goes wrong after a caller has left is seen all the same."""

import asyncio

import numpy as np
import pytest
import structlog

from andon.serving import PredictionTimedOut
from andon.serving.inference import Datatype, InferRequest, InferResponse, ModelMetadata, of_array
from andon.serving.remote.layout import Input, TensorLayout
from andon.serving.remote.predictor import RemotePredictor

LAYOUT = TensorLayout("m", "", [Input("x", Datatype.FP64, 0, 1)], None)
ROW = np.array([[1.0]])


class Held:
    """A link to a server that answers when it is let; or breaks as nobody foresaw."""

    def __init__(self) -> None:
        self.broken = True
        self.let = asyncio.Event()

    def describe(self) -> ModelMetadata:
        raise NotImplementedError

    def ask(self, request: InferRequest) -> InferResponse:
        raise NotImplementedError

    async def ask_soon(self, request: InferRequest, *, within: float) -> InferResponse:
        async with asyncio.timeout(within):
            await self.let.wait()
        if self.broken:
            raise RuntimeError("nobody foresaw this")
        return InferResponse(outputs=[of_array("p", np.array([[0.25, 0.75]]))], model="m", version="")

    async def check_soon(self, *, within: float) -> None:
        pass

    async def close(self) -> None:
        pass


def test_what_nobody_foresaw_is_logged_though_its_caller_has_left_and_the_next_is_answered() -> None:
    async def scenario() -> None:
        link = Held()
        predictor = RemotePredictor(link, LAYOUT, shown="model m", timeout=10, waiting_batches=8)
        await predictor.start()
        with pytest.raises(PredictionTimedOut):
            await predictor.predict_soon(ROW, within=0.01)
        with structlog.testing.capture_logs() as logs:
            link.let.set()
            async with asyncio.timeout(10):
                while predictor.status().busy:
                    await asyncio.sleep(0)
        assert [(entry["event"], entry["model"], str(entry["exc_info"])) for entry in logs] == [
            ("model.asking_failed", "model m", "nobody foresaw this")
        ]
        link.broken = False
        assert (await predictor.predict_soon(ROW, within=10)).tolist() == [[0.25, 0.75]]
        await predictor.close()

    asyncio.run(scenario())
