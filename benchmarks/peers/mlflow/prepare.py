"""Saves the pyfunc model into SCRATCH, once before the rounds."""

import os
from pathlib import Path

import mlflow

if __name__ == "__main__":
    model = Path(__file__).with_name("model.py")
    mlflow.pyfunc.save_model(str(Path(os.environ["SCRATCH"]) / "model"), python_model=str(model), pip_requirements=[])
