"""Models: immutable, content-addressed versions with everything that is known about them, and aliases that point to them.

A builder's training script calls `encode` and `pack`; the platform calls `register`, `set_alias` and `fetch`. Running a
model is `serving`'s matter. Start reading at `manifest.py`.
"""

from andon.models.domain import CHAMPION, Alias, ModelVersion
from andon.models.encoding import Matrix, Rows, categorical_columns, columns_of, encode, encode_labels
from andon.models.errors import (
    AliasNotFound,
    AliasUnchanged,
    ModelNotFound,
    PackageDamaged,
    PackageInvalid,
    PickleRefused,
    TrainingFailed,
    ValueUnusable,
    VersionNotFound,
)
from andon.models.manifest import Calibration, Curve, Manifest, RiskEvidence, Runtime
from andon.models.packing import pack
from andon.models.service import (
    alias_history,
    by_alias,
    fetch,
    get,
    list_aliases,
    list_versions,
    register,
    set_alias,
)
from andon.models.signature import FeatureKind, FeatureSpec, Signature

__all__ = [
    "CHAMPION",
    "Alias",
    "AliasNotFound",
    "AliasUnchanged",
    "Calibration",
    "Curve",
    "FeatureKind",
    "FeatureSpec",
    "Manifest",
    "Matrix",
    "ModelNotFound",
    "ModelVersion",
    "PackageDamaged",
    "PackageInvalid",
    "PickleRefused",
    "RiskEvidence",
    "Rows",
    "Runtime",
    "Signature",
    "TrainingFailed",
    "ValueUnusable",
    "VersionNotFound",
    "alias_history",
    "by_alias",
    "categorical_columns",
    "columns_of",
    "encode",
    "encode_labels",
    "fetch",
    "get",
    "list_aliases",
    "list_versions",
    "pack",
    "register",
    "set_alias",
]
