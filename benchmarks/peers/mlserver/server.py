"""Starts MLServer in this folder, with inference in the server's own process and no access log.

A pool of workers would cost a hop.
"""

import os
import sys
from pathlib import Path

GRPC, METRICS = os.environ["SPARE_PORTS"].split(",")[:2]
SETTINGS = {
    "MLSERVER_HOST": "127.0.0.1",
    "MLSERVER_HTTP_PORT": os.environ["PORT"],
    "MLSERVER_GRPC_PORT": GRPC,
    "MLSERVER_METRICS_PORT": METRICS,
    "MLSERVER_METRICS_DIR": os.environ["SCRATCH"],
    "MLSERVER_PARALLEL_WORKERS": "0",
    "MLSERVER_DEBUG": "false",
}

if __name__ == "__main__":
    program = str(Path(sys.executable).with_name("mlserver"))
    os.execve(program, [program, "start", str(Path(__file__).parent)], {**os.environ, **SETTINGS})
