"""Starts MLflow's scoring server: one worker, in this very environment, no access log."""

import os
import sys
from pathlib import Path

SETTINGS = {"MLFLOW_TRACKING_URI": f"sqlite:///{os.environ['SCRATCH']}/mlflow.db", "UVICORN_LOG_LEVEL": "warning"}

if __name__ == "__main__":
    bin_folder = Path(sys.executable).parent
    command = [str(bin_folder / "mlflow"), "models", "serve", "--model-uri", str(Path(os.environ["SCRATCH"]) / "model")]
    command += ["--host", "127.0.0.1", "--port", os.environ["PORT"], "--env-manager", "local", "--workers", "1"]
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    os.execve(command[0], command, {**os.environ, **SETTINGS, "PATH": path})
