"""MLServer: a custom runtime, as in its documentation."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from served_model import ServedModel


class Trees(MLModel):
    """A bare prediction."""

    async def load(self) -> bool:
        """Open the model."""
        self._model = ServedModel()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Predict from one tensor, and return one."""
        scores = self._model.scores(NumpyCodec.decode_input(payload.inputs[0]))
        output = ResponseOutput(name="score", shape=[len(scores)], datatype="FP32", data=scores)
        return InferenceResponse(model_name=self.name, outputs=[output])
