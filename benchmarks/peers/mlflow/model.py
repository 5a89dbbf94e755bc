"""The pyfunc model that MLflow serves, as models from code. No signature, which would cost a check per request."""

from typing import Any

import mlflow
from mlflow.pyfunc import PythonModel
from served_model import ServedModel


class Trees(PythonModel):
    """A bare prediction."""

    def load_context(self, context: Any) -> None:  # noqa: ARG002  MLflow calls it so
        """Open the model."""
        self._model = ServedModel()

    def predict(self, context: Any, model_input: Any, params: Any = None) -> list[float]:  # noqa: ARG002
        """Return the probability of the positive class for each row."""
        return self._model.scores(model_input)


mlflow.models.set_model(Trees())
