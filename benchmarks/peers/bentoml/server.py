"""Starts BentoML in this folder."""

import os
import sys
from pathlib import Path

SETTINGS = {"BENTOML_HOME": os.environ["SCRATCH"], "BENTOML_DO_NOT_TRACK": "true"}

if __name__ == "__main__":
    program = str(Path(sys.executable).with_name("bentoml"))
    command = [program, "serve", "service:Trees", "--host", "127.0.0.1", "--port", os.environ["PORT"]]
    os.execve(program, command, {**os.environ, **SETTINGS})
