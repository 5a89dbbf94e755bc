"""Models: immutable, content-addressed versions with everything known about them, and aliases that point to them.

A builder's training script calls `encode` and `pack`; the platform calls `register`, `set_alias` and `fetch`. Running a
model belongs to `serving`. Start reading at `manifest.py`.
"""

from andon.models.calibration import Calibrator
from andon.models.coherence import misfits_of
from andon.models.custom import PythonModel
from andon.models.domain import CHAMPION, HIGHEST_NUMBER, Alias, ModelTrial, ModelVersion, Quarantine
from andon.models.embedding import SentenceEmbedding
from andon.models.encoding import Encoder, Rows, categorical_columns, columns_of, encode, encode_labels, text_of
from andon.models.errors import (
    AliasInvalid,
    AliasNotFound,
    ModelNotFound,
    NotQuarantined,
    PackageDamaged,
    PackageInvalid,
    PickleRefused,
    ScoreReversed,
    TrainingFailed,
    ValueUnusable,
    VersionHeld,
    VersionNotFound,
)
from andon.models.inferring import InferredSignature, infer, name_of
from andon.models.intervals import Intervals
from andon.models.keeping import HeldOutRows, rows_in
from andon.models.manifest import (
    Calibration,
    CategoryProfile,
    ClassQuality,
    Curve,
    Estimate,
    Manifest,
    NumericProfile,
    Profile,
    RiskEvidence,
    Runtime,
)
from andon.models.measuring import groups_worth
from andon.models.metrics import measured_scores, quality_by_class
from andon.models.outputs import fault_of
from andon.models.package import open_package
from andon.models.packing import pack
from andon.models.profile import lengths_of
from andon.models.prospects import (
    LADDER,
    LITTLE,
    TargetProspect,
    expected_prospects,
    prospects_of,
    share_at,
    shortfall_of,
)
from andon.models.published import AliasSet, ModelRegistered, QuarantineLifted, VersionQuarantined
from andon.models.quarantine import (
    TrialNeeded,
    Trials,
    find_trial,
    held_versions,
    hold_back,
    note_trial,
    release_held,
    require_free,
    tried_first,
)
from andon.models.risk import evidence_under, near, threshold_for
from andon.models.rules_only import ensure_rules_only
from andon.models.service import (
    Ready,
    alias_history,
    by_alias,
    champions_of,
    classes_of,
    fetch,
    get,
    held_out_rows,
    hold,
    list_aliases,
    list_versions,
    register,
    registered_at,
    require_same_score,
    set_alias,
)
from andon.models.signature import FeatureKind, FeatureSpec, Signature
from andon.models.stored import REGISTERED, ModelFiles
from andon.models.text_models import MOST_TEXTS, fit_text, frame_of_rows
from andon.models.training import train
from andon.runtimes import Matrix

__all__ = [
    "CHAMPION",
    "HIGHEST_NUMBER",
    "LADDER",
    "LITTLE",
    "MOST_TEXTS",
    "REGISTERED",
    "Alias",
    "AliasInvalid",
    "AliasNotFound",
    "AliasSet",
    "Calibration",
    "Calibrator",
    "CategoryProfile",
    "ClassQuality",
    "Curve",
    "Encoder",
    "Estimate",
    "FeatureKind",
    "FeatureSpec",
    "HeldOutRows",
    "InferredSignature",
    "Intervals",
    "Manifest",
    "Matrix",
    "ModelFiles",
    "ModelNotFound",
    "ModelRegistered",
    "ModelTrial",
    "ModelVersion",
    "NotQuarantined",
    "NumericProfile",
    "PackageDamaged",
    "PackageInvalid",
    "PickleRefused",
    "Profile",
    "PythonModel",
    "Quarantine",
    "QuarantineLifted",
    "Ready",
    "RiskEvidence",
    "Rows",
    "Runtime",
    "ScoreReversed",
    "SentenceEmbedding",
    "Signature",
    "TargetProspect",
    "TrainingFailed",
    "TrialNeeded",
    "Trials",
    "ValueUnusable",
    "VersionHeld",
    "VersionNotFound",
    "VersionQuarantined",
    "alias_history",
    "by_alias",
    "categorical_columns",
    "champions_of",
    "classes_of",
    "columns_of",
    "encode",
    "encode_labels",
    "ensure_rules_only",
    "evidence_under",
    "expected_prospects",
    "fault_of",
    "fetch",
    "find_trial",
    "fit_text",
    "frame_of_rows",
    "get",
    "groups_worth",
    "held_out_rows",
    "held_versions",
    "hold",
    "hold_back",
    "infer",
    "lengths_of",
    "list_aliases",
    "list_versions",
    "measured_scores",
    "misfits_of",
    "name_of",
    "near",
    "note_trial",
    "open_package",
    "pack",
    "prospects_of",
    "quality_by_class",
    "register",
    "registered_at",
    "release_held",
    "require_free",
    "require_same_score",
    "rows_in",
    "set_alias",
    "share_at",
    "shortfall_of",
    "text_of",
    "threshold_for",
    "train",
    "tried_first",
]
