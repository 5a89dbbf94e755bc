"""Decisions of the sample, read whole: the input, features as seen, the prediction and any fallback."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import Decoder

from andon.decisions import Fallback, FeedGroup
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
        """Return all values that a model may have received, by name."""
        given = self.input if isinstance(self.input, Mapping) else {}
        return {**given, **self.features}


class WholeDecision(Struct, frozen=True, gc=False):
    """A decision of the sample: the 16 bytes of its id, the columns that it shares with others, and its record."""

    key: bytes
    of: FeedGroup
    record: WholeRecord


_record = Decoder(WholeRecord).decode


def read_all(chosen: Mapping[bytes, FeedGroup], records: Mapping[bytes, bytes]) -> list[WholeDecision]:
    """Read the records of decisions, in the order of their ids; unreadable ones are omitted."""
    found = []
    for key in sorted(chosen):
        written = records.get(key)
        record = None if written is None else read_record(written)
        if record is not None:
            found.append(WholeDecision(key, chosen[key], record))
    return found


def read_record(written: bytes) -> WholeRecord | None:
    """Read a record; None if it cannot be read."""
    try:
        return _record(written)
    except DecodeError:  # from an input that this reader treats more strictly
        pass
    try:
        return convert(json.loads(written), WholeRecord)
    except (ValueError, ValidationError):
        return None
