"""A real MLServer in an environment of its own, started and ended for tests; its models are in `mlserver_models`."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from benchmarks.environments import python_of

from andon_demo.line import free_ports

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "benchmarks/peers/mlserver/requirements.lock"
MODELS = Path(__file__).parent / "mlserver_models"
UNDESCRIBED: Mapping[str, Any] = {}


def a_matrix_in(columns: int, datatype: str = "FP64", *, classes: int = 2) -> Mapping[str, Any]:
    """How a model is described that takes one tensor."""
    inputs = [{"name": "rows", "datatype": datatype, "shape": [-1, columns]}]
    return {"inputs": inputs, "outputs": [{"name": "probabilities", "datatype": "FP64", "shape": [-1, classes]}]}


def a_tensor_each(columns: Sequence[str]) -> Mapping[str, Any]:
    """How a model is described that takes one tensor a column."""
    return {"inputs": [{"name": column, "datatype": "FP32", "shape": [-1]} for column in columns]}


class MlServer:
    """One server on ports of its own, which it keeps over a restart. Ended by its own process id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.grpc, self._metrics = free_ports(3)
        self._python = python_of("mlserver", LOCK)
        self._process: subprocess.Popen[bytes] | None = None
        for file in MODELS.glob("*.py"):
            shutil.copy(file, folder)

    def address(self, protocol: str) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.http if protocol == 'rest' else self.grpc}"

    def add(self, name: str, description: Mapping[str, Any], kind: str = "answers", *, classes: int = 2) -> None:
        """Add a model, before the start."""
        place = self.folder / name
        place.mkdir()
        extra = {"kind": kind, "classes": classes}
        settings = {"name": name, "implementation": "answering.Scores", "parameters": {"extra": extra}}
        (place / "model-settings.json").write_text(json.dumps(settings | dict(description)))

    def start(self) -> None:
        """Start it, and come back when its models are ready."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(self.folder),
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": str(self.http),
            "MLSERVER_GRPC_PORT": str(self.grpc),
            "MLSERVER_METRICS_PORT": str(self._metrics),
            "MLSERVER_METRICS_DIR": str(self.folder),
            "MLSERVER_PARALLEL_WORKERS": "0",
            "MLSERVER_DEBUG": "false",
        }
        program = self._python.with_name("mlserver")
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "start", str(self.folder)], env=environment, cwd=self.folder, stdout=log, stderr=log
            )
        until = time.monotonic() + 60
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"MLServer did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, at once: it has nothing to lose."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.grpc), timeout=1):
                pass
            return httpx.get(f"{self.address('rest')}/v2/health/ready", timeout=1, trust_env=False).status_code == 200
        except (OSError, httpx.TransportError):
            return False


def own_probabilities(matrix: Any, classes: int = 2) -> Any:
    """Return what the models answer, computed here."""
    spec = importlib.util.spec_from_file_location("weights", MODELS / "weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.probabilities(matrix, classes)
