"""The registry's version for automations without a model. Every ledger row names a version; their rows name this.

It is the same in every installation and is never asked; `decisions.judging` evaluates the policy without a prediction.
"""

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from andon.authoring import RULES_ONLY
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM
from andon.models.domain import CHAMPION, ModelVersion
from andon.models.errors import AliasNotFound, ModelNotFound
from andon.models.manifest import (
    MANIFEST_FILE,
    Calibration,
    Environment,
    File,
    Manifest,
    ModelQuality,
    NumericProfile,
    Probes,
    Profile,
    RiskEvidence,
    Runtime,
    TrainingData,
)
from andon.models.service import by_alias, register, set_alias
from andon.models.signature import FeatureKind, FeatureSpec, Signature

_FILE = "none.txt"
_CONTENT = b"There is no model: the rules of the policy decide alone.\n"
_DIGEST = hashlib.sha256(_CONTENT).hexdigest()
_NOTHING = NumericProfile(edges=(), counts=(), minimum=None, maximum=None, mean=None, missing=0, rows=0)
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)

MANIFEST = Manifest(
    name=RULES_ONLY,
    description=_CONTENT.decode().strip(),
    runtime=Runtime.NONE,
    model_file=_FILE,
    output_order=(0, 1),
    signature=Signature("binary", (FeatureSpec("nothing", FeatureKind.NUMBER),), ("no", "yes")),
    profile=Profile(numeric={"nothing": _NOTHING}, category={}, scores=_NOTHING),
    calibration=Calibration(curves=(), rows=0),
    metrics=ModelQuality(rows=0, class_counts={}, estimates={}),
    risk=RiskEvidence(table=(), rows=0),
    probes=Probes(rows=((None,),), probabilities=((0.5, 0.5),)),
    training=TrainingData(digest=_DIGEST, rows=0, held_out_rows=0, split="none"),
    code=None,
    environment=Environment(python="3.11", platform="any", packages={}),
    created_at=_SINCE,
    files=(File(name=_FILE, digest=_DIGEST, size=len(_CONTENT)),),
)


def ensure_rules_only(tx: Tx, *, events: Events, now: datetime) -> ModelVersion:
    """Register the version without a model and let it answer, unless that is done already."""
    with suppress(ModelNotFound, AliasNotFound):
        return by_alias(tx, RULES_ONLY, CHAMPION)
    why = "An automation without a model was declared"
    with TemporaryDirectory() as folder:
        package = Path(folder)
        (package / _FILE).write_bytes(_CONTENT)
        (package / MANIFEST_FILE).write_text(MANIFEST.to_json(), encoding="utf-8")
        version = register(tx, package, actor=PLATFORM, reason=why, events=events, now=now)
    set_alias(tx, RULES_ONLY, CHAMPION, version.number, actor=PLATFORM, reason=why, events=events, now=now)
    return version
