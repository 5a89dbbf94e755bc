"""What runs a model file, one module a library. Each is imported only when a model needs it, to spare a gateway's memory."""

from importlib import import_module
from pathlib import Path
from typing import cast

from andon.models import Runtime
from andon.serving.errors import EndpointUnavailable
from andon.serving.ports import Predictor


def open_model(runtime: Runtime, file: Path, *, trusted: bool) -> Predictor:
    """Load a model file with its runtime. Raises EndpointUnavailable if its library is not installed or cannot read it."""
    try:
        module = import_module(f"andon.serving.runtimes.{runtime}")
    except ModuleNotFoundError as error:
        raise EndpointUnavailable(
            f"The model needs {error.name}, which is not installed; `pip install 'andon[{runtime}]'`"
        ) from error
    try:
        return cast(Predictor, module.open_model(file, trusted=trusted))
    except EndpointUnavailable:
        raise
    except Exception as error:  # each library has errors of its own for a file it cannot read
        raise EndpointUnavailable(f"{file.name} cannot be loaded: {type(error).__name__}: {error}") from error
