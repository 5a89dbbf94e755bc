"""Decisions of the sample, read whole: the input, the features as seen, the prediction and what answered instead of a version."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import Decoder

from andon.decisions import Fallback, FeedOutline
from andon.policies import Ruling
from andon.serving import Prediction


class WholeRecord(Struct, frozen=True, gc=False):
    """The parts of a record that monitors use."""

    input: Any
    features: Mapping[str, Any]
    prediction: Prediction | None
    policy: Ruling
    fallback: Fallback | None = None

    def row(self) -> dict[str, Any]:
        """Return all values that a model may have been given, by name."""
        given = self.input if isinstance(self.input, Mapping) else {}
        return {**given, **self.features}


class WholeDecision(Struct, frozen=True, gc=False):
    """A decision of the sample: its columns and its record."""

    outline: FeedOutline
    record: WholeRecord


_record = Decoder(WholeRecord).decode


def read_all(outlines: Sequence[FeedOutline], records: Mapping[bytes, bytes]) -> list[WholeDecision]:
    """Read the records of decisions; one that cannot be read is left out."""
    found = []
    for outline in outlines:
        written = records.get(outline.key)
        record = None if written is None else _read(written)
        if record is not None:
            found.append(WholeDecision(outline, record))
    return found


def _read(written: bytes) -> WholeRecord | None:
    try:
        return _record(written)
    except DecodeError:  # of an input that this reads more strictly
        pass
    try:
        return convert(json.loads(written), WholeRecord)
    except (ValueError, ValidationError):
        return None
