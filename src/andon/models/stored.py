"""The files of registered versions, compared with the digests in their manifests."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from andon.audit import Finding, Harm, Leaf
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError
from andon.models import store
from andon.models.domain import ModelVersion
from andon.models.vouched import MODEL_VERSIONS

REGISTERED = "model.register"


class ModelFiles:
    """Compares the bytes of every registered version with its manifest. Use one object per verification."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Yield a finding for each file of a version that is missing or changed."""
        for leaf in leaves:
            version = _registered(tx, leaf)
            if version is None:
                continue  # the row or the entry was altered, which their digests reveal
            for file in version.manifest.files:
                if not self._is_whole(tx, file.digest):
                    subject = str(MODEL_VERSIONS.row(version.name, version.number))
                    message = f"the stored bytes of {file.name} differ from those that were registered"
                    yield Finding(Harm.EVIDENCE_EDITED, message, leaf.writer, leaf.seq, None, leaf.action, subject)

    def unclaimed(self, tx: Tx) -> Iterable[Finding]:
        """Return no findings: a file that no manifest names is never read."""
        del tx
        return ()

    def _is_whole(self, tx: Tx, digest: str) -> bool:
        if digest not in self._known:
            found = hashlib.sha256()
            for chunk in store.chunks(tx, digest):
                found.update(chunk)
            self._known[digest] = found.hexdigest() == digest
        return self._known[digest]


def _registered(tx: Tx, leaf: Leaf) -> ModelVersion | None:
    try:
        number = json.loads(leaf.body)["after"]["number"]
        return store.find(tx, leaf.subject.removeprefix("model:"), int(number))
    except (ValueError, KeyError, TypeError, AndonError):
        return None
