"""Serving: which version of a model answers, and one version in memory answering batches of raw rows.

Start reading at `loaded.py` (one version) and `domain.py` (traffic splits).
"""

from andon.serving.candidates import Candidate, arm_of, gate_fault, gate_suffix, proven_arm
from andon.serving.domain import (
    Assignment,
    Chosen,
    Contribution,
    Prediction,
    RiskGate,
    ShadowPrediction,
    ShadowSummary,
    SplitUnit,
    TrafficLease,
    TrafficSplit,
    bucket_of,
)
from andon.serving.errors import (
    EndpointBusy,
    EndpointNotFound,
    EndpointUnavailable,
    EnvironmentInvalid,
    PredictionFailed,
    PredictionTimedOut,
    SplitChanged,
    SplitInvalid,
    VersionUnfit,
)
from andon.serving.hosting import Hosting, no_gpus
from andon.serving.isolated import Environments
from andon.serving.loaded import LoadedVersion, gate_of, load
from andon.serving.ports import PatientPredictor, PoolStatus, Predictor
from andon.serving.published import SplitSet
from andon.serving.remote import RemoteModel
from andon.serving.service import (
    LEASED,
    Suits,
    champion_of,
    compare_shadows,
    hold,
    leases,
    newest_said,
    require_genuine,
    said_after,
    said_beside,
    set_lease,
    set_split,
    shadow_position,
    shadows_of,
    split_history,
    split_of,
)
from andon.serving.shadows import SHADOW_SQL, shadow_columns
from andon.serving.spreading import BUCKETS
from andon.serving.trying import TrialEnd, TrialResult, tried_with, try_version

__all__ = [
    "BUCKETS",
    "LEASED",
    "SHADOW_SQL",
    "Assignment",
    "Candidate",
    "Chosen",
    "Contribution",
    "EndpointBusy",
    "EndpointNotFound",
    "EndpointUnavailable",
    "EnvironmentInvalid",
    "Environments",
    "Hosting",
    "LoadedVersion",
    "PatientPredictor",
    "PoolStatus",
    "Prediction",
    "PredictionFailed",
    "PredictionTimedOut",
    "Predictor",
    "RemoteModel",
    "RiskGate",
    "ShadowPrediction",
    "ShadowSummary",
    "SplitChanged",
    "SplitInvalid",
    "SplitSet",
    "SplitUnit",
    "Suits",
    "TrafficLease",
    "TrafficSplit",
    "TrialEnd",
    "TrialResult",
    "VersionUnfit",
    "arm_of",
    "bucket_of",
    "champion_of",
    "compare_shadows",
    "gate_fault",
    "gate_of",
    "gate_suffix",
    "hold",
    "leases",
    "load",
    "newest_said",
    "no_gpus",
    "proven_arm",
    "require_genuine",
    "said_after",
    "said_beside",
    "set_lease",
    "set_split",
    "shadow_columns",
    "shadow_position",
    "shadows_of",
    "split_history",
    "split_of",
    "tried_with",
    "try_version",
]
