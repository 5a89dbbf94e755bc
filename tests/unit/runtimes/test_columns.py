"""The way back from numbers: what was encoded and is a raw value of its feature comes out again."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.models import FeatureKind, FeatureSpec, Signature, encode
from andon.runtimes import Decoder

FEATURES = (
    FeatureSpec("amount", FeatureKind.NUMBER),
    FeatureSpec("at", FeatureKind.TIME),
    FeatureSpec("country", FeatureKind.CATEGORY, ("DE", "FR")),
    FeatureSpec("night", FeatureKind.BOOLEAN),
)
SIGNATURE = asdict(Signature("binary", FEATURES, ("ok", "fraud")))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.none() | st.floats(allow_nan=False),
            "at": st.none() | st.integers(-(10**15), 4 * 10**15).map(lambda us: EPOCH + timedelta(microseconds=us)),
            "country": st.sampled_from([None, "DE", "FR"]),
            "night": st.sampled_from([None, False, True]),
        }
    ),
    min_size=1,
)


@given(ROWS)
def test_decoding_gives_back_what_was_encoded(rows: list[dict[str, Any]]) -> None:
    columns = Decoder(SIGNATURE)(encode(FEATURES, rows))
    assert list(columns) == [feature.name for feature in FEATURES]
    assert [None if np.isnan(v) else v for v in columns["amount"].tolist()] == [row["amount"] for row in rows]
    assert columns["country"].tolist() == [row["country"] for row in rows]
    assert columns["night"].tolist() == [row["night"] for row in rows]
    assert columns["at"].dtype == "datetime64[us]"
    naive = [row["at"] and row["at"].replace(tzinfo=None) for row in rows]
    assert columns["at"].tolist() == naive


def test_a_category_never_seen_is_missing() -> None:
    rows = [{"amount": 1, "at": None, "country": "XX", "night": None}]
    assert Decoder(SIGNATURE)(encode(FEATURES, rows))["country"].tolist() == [None]


def test_a_kind_of_a_later_version_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind, colour"):
        Decoder({"features": [{"name": "shade", "kind": "colour"}]})
