"""The bytes that are hashed never change: what was sealed years ago must still verify, by others too."""

import struct
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.audit.logs import NOON, build

from andon.audit.domain import CONTROL, NO_HASH, ChainHead, anchor_of, entry_of
from andon.audit.encoding import change_body, checkpoint_hash, leaf_hash
from andon.audit.errors import AnchorInvalid, EntryInvalid

WRITER = UUID("00112233-4455-6677-8899-aabbccddeeff")
texts = st.text(st.characters(codec="utf-8"), max_size=6)


def test_the_hash_of_a_leaf_is_what_an_outsider_computes_from_the_description() -> None:
    at = datetime(2026, 11, 24, 12, 0, 0, 250, tzinfo=UTC)
    by_hand = b"andon.entry/1\n" + WRITER.bytes + struct.pack(">q", 3) + NO_HASH + struct.pack(">q", 1795521600000250)
    for part in (b"anna", b"key.create", "key:ü".encode(), b"{}"):
        by_hand += struct.pack(">I", len(part)) + part
    assert leaf_hash(WRITER, 3, NO_HASH, at, "anna", "key.create", "key:ü", b"{}") == sha256(by_hand).digest()


def test_the_hash_of_a_checkpoint_is_what_an_outsider_computes_whatever_the_order_of_its_heads() -> None:
    heads = [ChainHead(WRITER, 2, b"\1" * 32), ChainHead(CONTROL, 1, b"\2" * 32)]
    by_hand = b"andon.check/1\n" + struct.pack(">q", 9) + NO_HASH + struct.pack(">qqq", 1795521600000000, 2, 3)
    by_hand += CONTROL.bytes + struct.pack(">q", 1) + b"\2" * 32 + WRITER.bytes + struct.pack(">q", 2) + b"\1" * 32
    assert checkpoint_hash(9, NO_HASH, NOON, 2, 3, heads) == sha256(by_hand).digest()


@given(st.tuples(texts, texts, texts, st.binary(max_size=6)), st.tuples(texts, texts, texts, st.binary(max_size=6)))
def test_two_leaves_that_differ_in_any_text_differ_in_their_hash(
    one: tuple[str, str, str, bytes], two: tuple[str, str, str, bytes]
) -> None:
    same = leaf_hash(WRITER, 1, NO_HASH, NOON, *one) == leaf_hash(WRITER, 1, NO_HASH, NOON, *two)
    assert same is (one == two)


def test_the_body_of_a_change_is_canonical_and_knows_times_identifiers_and_enumerations() -> None:
    class Colour(StrEnum):
        RED = "red"

    body = change_body("why", {"b": 1.0, "a": Colour.RED}, {"at": NOON, "id": WRITER, "all": {2, 1}})
    assert body == (
        b'{"after":{"all":[1,2],"at":"2026-11-24T12:00:00+00:00","id":"00112233-4455-6677-8899-aabbccddeeff"},'
        b'"before":{"a":"red","b":1},"reason":"why"}'
    )


@pytest.mark.parametrize("value", [float("nan"), 2**60, "\ud800", object()])
def test_what_json_cannot_say_exactly_is_refused(value: object) -> None:
    with pytest.raises(EntryInvalid, match="cannot represent this exactly"):
        change_body(None, None, {"value": value})


@pytest.mark.parametrize("body", [b"\xff", b"[]", b"{}", b"null"])
def test_an_entry_whose_body_was_ruined_can_still_be_shown(body: bytes) -> None:
    leaf = build([[(CONTROL, body)]]).leaves[0]
    assert entry_of(leaf).after is None


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31, "0x" + "ab" * 31])
def test_what_is_no_anchor_is_refused(text: str) -> None:
    with pytest.raises(AnchorInvalid):
        anchor_of(text)
    assert anchor_of(" " + "Ab" * 32 + "\n") == b"\xab" * 32
