"""Runs inside MLServer: models that answer well, and models that do not, each after its name."""

import asyncio
from typing import Any

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from weights import probabilities


class Scores(MLModel):
    """One tensor, or one for each column, to probabilities."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return the answer of this model's kind."""
        kind = self.settings.parameters.extra["kind"]
        if kind == "hangs":
            await asyncio.Event().wait()
        if kind == "fails":
            raise ValueError("nobody expected this")
        if kind == "refuses":
            raise InferenceError("the forest burnt down")
        columns = [np.asarray(NumpyCodec.decode_input(each), dtype=np.float64) for each in payload.inputs]
        found = probabilities(np.column_stack(columns), self.settings.parameters.extra["classes"])
        if kind == "labels":
            return self._answer(np.array(["ok"] * len(found)), "BYTES")
        if kind == "short":
            found = found[:-1]
        if kind == "nan":
            found = found * 3
        return self._answer(found, "FP64")

    def _answer(self, values: Any, datatype: str) -> InferenceResponse:
        outputs = [
            ResponseOutput(
                name="probabilities", shape=list(values.shape), datatype=datatype, data=values.ravel().tolist()
            )
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
