"""Serving: which version of a model answers, and one version in memory answering batches of raw rows.

Start reading at `loaded.py` (one version) and `domain.py` (traffic splits).
"""

from andon.serving.domain import BUCKETS, Assignment, Chosen, Prediction, RiskGate, TrafficSplit, bucket_of
from andon.serving.errors import (
    EndpointBusy,
    EndpointNotFound,
    EndpointUnavailable,
    EnvironmentInvalid,
    PredictionFailed,
    PredictionTimedOut,
    SplitInvalid,
)
from andon.serving.loaded import LoadedVersion, load
from andon.serving.ports import PatientPredictor, Predictor

__all__ = [
    "BUCKETS",
    "Assignment",
    "Chosen",
    "EndpointBusy",
    "EndpointNotFound",
    "EndpointUnavailable",
    "EnvironmentInvalid",
    "LoadedVersion",
    "PatientPredictor",
    "Prediction",
    "PredictionFailed",
    "PredictionTimedOut",
    "Predictor",
    "RiskGate",
    "SplitInvalid",
    "TrafficSplit",
    "bucket_of",
    "load",
]
