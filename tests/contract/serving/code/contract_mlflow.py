"""The same model as MLflow keeps one: models from code, with an artefact and code of its own."""

from pathlib import Path

import mlflow
import mlflow.pyfunc
import pandas as pd


class Flow(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        from contract_scorer import Scorer

        self.scorer = Scorer(Path(context.artifacts["table"]).parent)

    def predict(self, context, model_input: pd.DataFrame, params=None):
        return self.scorer.predict({name: model_input[name].to_numpy() for name in model_input})


mlflow.models.set_model(Flow())
