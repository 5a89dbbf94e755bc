"""Serving: one model version in memory, answering batches of raw rows. Start reading at `endpoint.py`."""

from andon.serving.domain import Prediction, RiskGate
from andon.serving.endpoint import Endpoint, load
from andon.serving.errors import EndpointUnavailable, PredictionFailed

__all__ = ["Endpoint", "EndpointUnavailable", "Prediction", "PredictionFailed", "RiskGate", "load"]
